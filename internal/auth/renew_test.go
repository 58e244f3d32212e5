package auth_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketing/internal/auth"
)

// Whoever got hold of a token before its user was given a role must not keep what the role allows.
func TestSessionMustBeRenewedAfterItsRolesChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, string) error{
		"granted": func(w *world, userID string) error { return w.GrantRole(w.t.Context(), "", userID, auth.RoleOrganizer) },
		"revoked": func(w *world, userID string) error { return w.RevokeRole(w.t.Context(), "", userID, auth.RoleCustomer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			renewed, left := w.signIn("ann@example.com"), w.signIn("ann@example.com")
			if p := w.principal(left); !p.RenewBy.IsZero() {
				t.Fatalf("a new session must be renewed by %s", p.RenewBy)
			}
			if err := change(w, left.UserID); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(time.Hour)
			due := w.clock.Now().Add(24 * time.Hour)
			for range 2 {
				if p := w.principal(left); !p.RenewBy.Equal(due) {
					t.Errorf("it must be renewed by %s, not %s", p.RenewBy, due)
				}
			}
			next, err := w.RenewSession(t.Context(), renewed.Token)
			if err != nil || next.Token == renewed.Token || next.ID == renewed.ID || !next.CreatedAt.Equal(renewed.CreatedAt) {
				t.Fatalf("renewed it is %+v, %v", next, err)
			}
			if p := w.principal(next); !p.RenewBy.IsZero() || p.SessionID != next.ID {
				t.Errorf("and then its principal is %+v", p)
			}
			fresh := w.signIn("ann@example.com")
			for range 2 {
				w.clock.advance(12*time.Hour - 30*time.Second)
				w.principal(left) // used or not
			}
			if listed, err := w.Sessions(t.Context(), left.UserID); err != nil || len(listed) != 3 || listed[2].RenewBy != nil || !listed[1].RenewBy.Equal(due) || !listed[1].ExpiresAt.Equal(due) {
				t.Errorf("listed are %+v, %v", listed, err)
			}
			w.clock.advance(time.Minute)
			w.over(left)
			w.principal(next)
			w.principal(fresh)
		})
	}
}

func TestRenewedTokenStaysGoodForRequestsOnTheirWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.signIn("ann@example.com")
	watched := w.WatchSession(t.Context(), w.principal(old))
	next, err := w.RenewSession(t.Context(), old.Token)
	if err != nil {
		t.Fatal(err)
	}
	ends(t, watched)
	w.clock.advance(30*time.Second - time.Millisecond)
	if p := w.principal(old); p.SessionID != next.ID {
		t.Errorf("the old token belongs to %s, not to %s", p.SessionID, next.ID)
	}
	if _, err := w.RenewSession(t.Context(), old.Token); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("renewing it again answers %v", err)
	}
	w.clock.advance(time.Millisecond)
	w.over(old)
	w.principal(next)
}

func TestRenewedSessionIsOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, end := range map[string]func(old, next auth.Session) error{
		"by its old token": func(old, _ auth.Session) error { return w.SignOut(t.Context(), old.Token) },
		"by its new token": func(_, next auth.Session) error { return w.SignOut(t.Context(), next.Token) },
		"by its name":      func(_, next auth.Session) error { return w.SignOutSession(t.Context(), next.UserID, next.ID) },
		"with all others":  func(old, _ auth.Session) error { return w.SignOutAll(t.Context(), "", old.UserID, "") },
	} {
		old := w.signIn("ann@example.com")
		next, err := w.RenewSession(t.Context(), old.Token)
		if err != nil {
			t.Fatal(err)
		}
		if listed, err := w.Sessions(t.Context(), old.UserID); err != nil || len(listed) != 1 || listed[0].ID != next.ID {
			t.Errorf("listed are %+v, %v", listed, err)
		}
		if err := end(old, next); err != nil {
			t.Errorf("ended %s, it answers %v", name, err)
		}
		w.over(old)
		w.over(next)
	}
}

func TestOneOfManyRacingRenewalsWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.signIn("ann@example.com")
	var won atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch _, err := w.RenewSession(t.Context(), old.Token); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, auth.ErrUnauthenticated):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if listed, err := w.Sessions(t.Context(), old.UserID); won.Load() != 1 || len(listed) != 1 || err != nil {
		t.Errorf("%d won, and there are %d sessions, %v", won.Load(), len(listed), err)
	}
}

func TestRenewingDoesNotMakeASessionYounger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signIn("ann@example.com")
	current := first
	for range 14 {
		w.clock.advance(48 * time.Hour)
		var err error
		if current, err = w.RenewSession(t.Context(), current.Token); err != nil {
			t.Fatal(err)
		}
	}
	if !current.ExpiresAt.Equal(first.CreatedAt.Add(720 * time.Hour)) {
		t.Errorf("it ends at %s", current.ExpiresAt)
	}
	w.clock.advance(48 * time.Hour)
	w.over(current)
}
