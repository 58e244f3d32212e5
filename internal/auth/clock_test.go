package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

// aheadHook makes Redis's clock appear ahead of this process's, as it does where the process's is behind.
type aheadHook struct {
	redis.Hook

	by time.Duration
}

func (aheadHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (aheadHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h aheadHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if told, ok := cmd.(*redis.TimeCmd); ok {
			told.SetVal(told.Val().Add(h.by))
		}
		return err
	}
}

// newServiceOff starts a service of a process whose clock is behind Redis's, or ahead of it if by is negative.
func (w *world) newServiceOff(by time.Duration) *auth.Service {
	w.t.Helper()
	return w.newService(func(c *auth.Config) {
		options, err := redis.ParseURL(w.server.URL())
		require.NoError(w.t, err)
		client := redis.NewClient(options)
		client.AddHook(aheadHook{by: by})
		w.t.Cleanup(func() { _ = client.Close() })
		c.Redis, c.Clock = client, nil
	})
}

func TestSessionsAndLinksEndByRedisTime(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"behind": 10 * time.Minute, "ahead": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Service = w.newServiceOff(off)
			theirs := time.Now().Add(off)
			session := w.signIn("ann@example.com")
			require.WithinDuration(t, theirs, session.CreatedAt, soon)
			require.WithinDuration(t, theirs.Add(w.cfg.SessionTTL), session.ExpiresAt, soon)
			listed, err := w.Sessions(t.Context(), session.UserID)
			require.NoError(t, err)
			require.Len(t, listed, 1)
			require.WithinDuration(t, theirs, listed[0].LastSeenAt, soon)
			other := w.newServiceOff(off) // another process, with the same Redis
			_, err = other.Authenticate(t.Context(), session.Token)
			require.NoError(t, err)
			_, _, err = other.VerifyMagicLink(t.Context(), w.mailedToken("bob@example.com"), "")
			require.NoError(t, err, "links last as long as they should")
		})
	}
}
