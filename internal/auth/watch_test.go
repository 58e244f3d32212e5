package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestAWatchFiresWhenItsSessionEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, *auth.Service, auth.Session) error{
		"signed out": func(w *world, s *auth.Service, x auth.Session) error { return s.SignOut(w.t.Context(), x.Token) },
		"revoked": func(w *world, s *auth.Service, x auth.Session) error {
			return s.SignOutSession(w.t.Context(), x.UserID, x.ID)
		},
		"all ended": func(w *world, s *auth.Service, x auth.Session) error {
			return s.SignOutAll(w.t.Context(), "", x.UserID, "")
		},
		"erased": func(w *world, s *auth.Service, x auth.Session) error { return s.EraseUser(w.t.Context(), "", x.UserID) },
		"a role granted": func(w *world, s *auth.Service, x auth.Session) error {
			return s.GrantRole(w.t.Context(), "", x.UserID, auth.RoleOrganizer)
		},
		"a role revoked": func(w *world, s *auth.Service, x auth.Session) error {
			return s.RevokeRole(w.t.Context(), "", x.UserID, auth.RoleCustomer)
		},
		"too many": func(w *world, _ *auth.Service, _ auth.Session) error {
			for range 5 {
				w.signIn("ann@example.com")
			}
			return nil
		},
		"everything lost": func(w *world, _ *auth.Service, _ auth.Session) error {
			w.server.Kill()
			w.server.Wipe()
			w.server.Start()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			elsewhere := w.newService(func(*auth.Config) {})
			session := w.signIn("ann@example.com")
			first := w.watchSession(t.Context(), w.principal(session))
			second := w.watchSession(t.Context(), w.principal(session))
			stays(t, first)
			require.NoError(t, end(w, elsewhere, session))
			ends(t, first)
			ends(t, second)
		})
	}
}

func TestWatchesOfOthersDoNotFire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, same, bob := w.signIn("ann@example.com"), w.signIn("ann@example.com"), w.signIn("bob@example.com")
	ended := w.watchSession(t.Context(), w.principal(gone))
	others := []<-chan struct{}{w.watchSession(t.Context(), w.principal(same)), w.watchSession(t.Context(), w.principal(bob))}
	require.NoError(t, w.SignOut(t.Context(), gone.Token))
	ends(t, ended) // messages come in order, so the others would have had theirs
	for _, over := range others {
		stays(t, over)
	}
}

func TestAWatchOfAnEndedSessionFires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.signIn("ann@example.com")
	p := w.principal(session)
	require.NoError(t, w.SignOut(t.Context(), session.Token))
	ends(t, w.watchSession(t.Context(), p))

	session = w.signIn("ann@example.com")
	p = w.principal(session)
	require.NoError(t, w.GrantRole(t.Context(), "", p.UserID, auth.RoleOrganizer))
	ends(t, w.watchSession(t.Context(), p))

	p = w.principal(session)
	w.clock.advance(169 * time.Hour)
	ends(t, w.watchSession(t.Context(), p))
}

func TestARestartOfRedisFiresNoWatchOfAValidSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session, other := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	over, sentinel := w.watchSession(t.Context(), w.principal(session)), w.watchSession(t.Context(), w.principal(other))
	require.NoError(t, w.redis.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err())
	require.NoError(t, w.SignOut(t.Context(), other.Token))
	ends(t, sentinel)
	stays(t, over)
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.signIn("ann@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	left := w.watchSession(ctx, w.principal(session))
	stayed := w.watchSession(t.Context(), w.principal(session))
	cancel()
	require.NoError(t, w.SignOut(t.Context(), session.Token))
	ends(t, stayed)
	_ = left // closed or not, depending on which came first
}

func TestAllWatchesShareOneConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.signIn("ann@example.com")
	p := w.principal(session)
	for range 200 {
		w.watchSession(t.Context(), p)
	}
	channels, err := w.redis.PubSubNumSub(t.Context(), "auth:changes").Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, channels["auth:changes"])
}

// watchSession returns a channel that is closed when p is out of date.
func (w *world) watchSession(ctx context.Context, p auth.Principal) <-chan struct{} {
	over := make(chan struct{})
	w.WatchSession(ctx, p, func() { close(over) })
	return over
}

func ends(t *testing.T, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
	case <-time.After(soon):
		require.Fail(t, "the watch did not fire")
	}
}

func stays(t *testing.T, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
		require.Fail(t, "the watch fired without reason")
	default:
	}
}
