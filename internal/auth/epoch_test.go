package auth_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

// copyRedis returns a function that brings back everything that is in Redis now, as an older copy of it would. Cached accounts have expired
// meanwhile.
func (w *world) copyRedis() (bringBack func()) {
	w.t.Helper()
	ctx := w.t.Context()
	dumps := map[string]string{}
	for _, key := range w.redis.Keys(ctx, "*").Val() {
		dumps[key] = w.redis.Dump(ctx, key).Val()
	}
	return func() {
		w.t.Helper()
		require.NoError(w.t, w.redis.FlushAll(ctx).Err())
		for key, dump := range dumps {
			require.NoError(w.t, w.redis.RestoreReplace(ctx, key, time.Hour, dump).Err())
		}
		for _, key := range w.redis.Keys(ctx, "auth:account:*").Val() {
			require.NoError(w.t, w.redis.Del(ctx, key).Err())
		}
	}
}

func TestEndedSessionsDoNotComeBackWithAnOlderRedis(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, s auth.Session) error{
		"signed out":      func(w *world, s auth.Session) error { return w.SignOut(t.Context(), s.Token) },
		"ended by its id": func(w *world, s auth.Session) error { return w.SignOutSession(t.Context(), s.UserID, s.ID) },
		"all ended":       func(w *world, s auth.Session) error { return w.SignOutAll(t.Context(), "", s.UserID, "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ended, other := w.signIn("ann@example.com"), w.signIn("bob@example.com")
			bringBack := w.copyRedis()
			require.NoError(t, end(w, ended))
			bringBack()
			w.requireEnded(ended)
			w.principal(other)
			w.principal(w.signIn("ann@example.com"))
		})
	}
}

func TestEndingASessionLeavesTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second, third := w.signIn("ann@example.com"), w.signIn("ann@example.com"), w.signIn("ann@example.com")
	require.NoError(t, w.SignOut(t.Context(), first.Token))
	w.principal(second)
	renewed, err := w.RenewSession(t.Context(), second.Token)
	require.NoError(t, err)
	require.NoError(t, w.SignOutAll(t.Context(), "", third.UserID, third.ID))
	w.requireEnded(first)
	w.requireEnded(renewed)
	w.principal(third)
	require.NoError(t, w.redis.Del(t.Context(), "auth:account:"+third.UserID).Err())
	w.principal(third)
}

func TestUsedLinksDoNotComeBackWithAnOlderRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used, unused := w.mailedToken("ann@example.com"), w.mailedToken("ann@example.com")
	bringBack := w.copyRedis()
	_, _, err := w.VerifyMagicLink(t.Context(), used, "")
	require.NoError(t, err)
	bringBack()
	_, _, err = w.VerifyMagicLink(t.Context(), used, "")
	require.ErrorIs(t, err, auth.ErrLinkInvalid)
	_, _, err = w.VerifyMagicLink(t.Context(), unused, "")
	require.NoError(t, err)
}

// A session can be ended while the database is away; only the memory of that is lost.
func TestSigningOutNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	broken := w.newService(func(cfg *auth.Config) { cfg.Pool = brokenPool(t) })
	require.NoError(t, broken.SignOut(t.Context(), s.Token))
	require.Equal(t, redis.Nil, w.redis.HGet(t.Context(), "auth:session:"+s.ID, "user").Err())
	w.requireEnded(s)
}
