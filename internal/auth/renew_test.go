package auth_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

// A token that was stolen before its user was given a role must not gain the role for long.
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
			require.True(t, w.principal(left).RenewBy.IsZero())
			require.NoError(t, change(w, left.UserID))
			w.clock.advance(time.Hour)
			due := w.clock.Now().Add(24 * time.Hour)
			for range 2 {
				require.True(t, w.principal(left).RenewBy.Equal(due))
			}
			next, err := w.RenewSession(t.Context(), renewed.Token)
			require.NoError(t, err)
			require.NotEqual(t, renewed.Token, next.Token)
			require.NotEqual(t, renewed.ID, next.ID)
			require.True(t, next.CreatedAt.Equal(renewed.CreatedAt))
			p := w.principal(next)
			require.True(t, p.RenewBy.IsZero())
			require.Equal(t, next.ID, p.SessionID)
			fresh := w.signIn("ann@example.com")
			for range 2 {
				w.clock.advance(12*time.Hour - 30*time.Second)
				w.principal(left) // used or not
			}
			listed, err := w.Sessions(t.Context(), left.UserID)
			require.NoError(t, err)
			require.Len(t, listed, 3)
			require.Nil(t, listed[2].RenewBy)
			require.True(t, listed[1].RenewBy.Equal(due))
			require.True(t, listed[1].ExpiresAt.Equal(due))
			w.clock.advance(time.Minute)
			w.requireEnded(left)
			w.principal(next)
			w.principal(fresh)
		})
	}
}

func TestAReplacedTokenStaysValidForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.signIn("ann@example.com")
	watched := w.watchSession(t.Context(), w.principal(old))
	next, err := w.RenewSession(t.Context(), old.Token)
	require.NoError(t, err)
	ends(t, watched)
	w.clock.advance(30*time.Second - time.Millisecond)
	require.Equal(t, next.ID, w.principal(old).SessionID)
	_, err = w.RenewSession(t.Context(), old.Token)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	w.clock.advance(time.Millisecond)
	w.requireEnded(old)
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
		require.NoError(t, err)
		listed, err := w.Sessions(t.Context(), old.UserID)
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.Equal(t, next.ID, listed[0].ID)
		err = end(old, next)
		require.NoError(t, err, name)
		w.requireEnded(old)
		w.requireEnded(next)
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
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	listed, err := w.Sessions(t.Context(), old.UserID)
	require.EqualValues(t, 1, won.Load())
	require.Len(t, listed, 1)
	require.NoError(t, err)
}

func TestRenewingDoesNotMakeASessionYounger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signIn("ann@example.com")
	current := first
	for range 14 {
		w.clock.advance(48 * time.Hour)
		var err error
		current, err = w.RenewSession(t.Context(), current.Token)
		require.NoError(t, err)
	}
	require.True(t, current.ExpiresAt.Equal(first.CreatedAt.Add(720*time.Hour)))
	w.clock.advance(48 * time.Hour)
	w.requireEnded(current)
}
