package auth_test

import (
	"context"
	"testing"
	"time"

	"ticketing/internal/auth"
)

func TestWatchersLearnThatASessionEnded(t *testing.T) {
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
			elsewhere := w.another(func(*auth.Dependencies, *auth.Config) {})
			session := w.signIn("ann@example.com")
			first := w.WatchSession(t.Context(), w.principal(session))
			second := w.WatchSession(t.Context(), w.principal(session))
			stays(t, first)
			if err := end(w, elsewhere, session); err != nil {
				t.Fatal(err)
			}
			ends(t, first)
			ends(t, second)
		})
	}
}

func TestWatchersOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, same, bob := w.signIn("ann@example.com"), w.signIn("ann@example.com"), w.signIn("bob@example.com")
	ended := w.WatchSession(t.Context(), w.principal(gone))
	others := []<-chan struct{}{w.WatchSession(t.Context(), w.principal(same)), w.WatchSession(t.Context(), w.principal(bob))}
	if err := w.SignOut(t.Context(), gone.Token); err != nil {
		t.Fatal(err)
	}
	ends(t, ended) // messages come in order, so the others would have had theirs
	for _, over := range others {
		stays(t, over)
	}
}

func TestWhatEndedBeforeAnybodyWatchedIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.signIn("ann@example.com")
	p := w.principal(session)
	if err := w.SignOut(t.Context(), session.Token); err != nil {
		t.Fatal(err)
	}
	ends(t, w.WatchSession(t.Context(), p))

	session = w.signIn("ann@example.com")
	p = w.principal(session)
	if err := w.GrantRole(t.Context(), "", p.UserID, auth.RoleOrganizer); err != nil {
		t.Fatal(err)
	}
	ends(t, w.WatchSession(t.Context(), p))

	p = w.principal(session)
	w.clock.advance(169 * time.Hour)
	ends(t, w.WatchSession(t.Context(), p))
}

func TestRestartOfRedisEndsNoWatchOfALivingSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session, other := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	over, sentinel := w.WatchSession(t.Context(), w.principal(session)), w.WatchSession(t.Context(), w.principal(other))
	if err := w.redis.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	if err := w.SignOut(t.Context(), other.Token); err != nil { // maybe while nobody listens
		t.Fatal(err)
	}
	ends(t, sentinel)
	stays(t, over)
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.signIn("ann@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	left := w.WatchSession(ctx, w.principal(session))
	stayed := w.WatchSession(t.Context(), w.principal(session))
	cancel()
	if err := w.SignOut(t.Context(), session.Token); err != nil {
		t.Fatal(err)
	}
	ends(t, stayed)
	_ = left // closed or not, depending on which came first: nobody reads it any more
}

func TestOneConnectionHoweverManyWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.signIn("ann@example.com")
	p := w.principal(session)
	for range 200 {
		w.WatchSession(t.Context(), p)
	}
	channels, err := w.redis.PubSubNumSub(t.Context(), "auth:changes").Result()
	if err != nil || channels["auth:changes"] != 1 {
		t.Errorf("there are %v subscriptions, %v", channels, err)
	}
}

func ends(t *testing.T, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
	case <-time.After(soon):
		t.Error("nobody was told")
	}
}

func stays(t *testing.T, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
		t.Error("somebody was told without reason")
	default:
	}
}
