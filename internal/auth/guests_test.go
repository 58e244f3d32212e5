package auth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

// startGuest makes a guest who gave an address as their contact.
func (w *world) startGuest(email string) auth.Session {
	w.t.Helper()
	session, user, err := w.StartGuest(w.t.Context(), "Firefox")
	require.NoError(w.t, err)
	require.True(w.t, user.Guest)
	require.NoError(w.t, w.SetContact(w.t.Context(), user.ID, auth.Contact{Name: "Ann", Email: email}))
	w.secrets = append(w.secrets, session.Token, email)
	return session
}

func TestAGuestIsACustomerWithoutAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session, user, err := w.StartGuest(t.Context(), "Firefox")
	require.NoError(t, err)
	for range 2 { // read from the database, and then from the cache
		require.Equal(t, auth.Principal{UserID: user.ID, SessionID: session.ID, Roles: []auth.Role{auth.RoleCustomer}, Guest: true}, w.principal(session))
	}
	require.ErrorIs(t, w.SetContact(t.Context(), user.ID, auth.Contact{Name: "Ann", Email: "no address"}), auth.ErrEmailInvalid)
	require.NoError(t, w.SetContact(t.Context(), user.ID, auth.Contact{Name: "Ann", Email: "Ann@Example.com"}))
	users, err := w.Users(t.Context(), []string{user.ID})
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", users[user.ID].Contact)
	require.Equal(t, "Ann", users[user.ID].Name)
	require.Empty(t, users[user.ID].Email, "nothing is proven")
	address, err := auth.Address(t.Context(), w.pool, user.ID)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", address)

	bob := w.signIn("bob@example.com")
	require.ErrorIs(t, w.SetContact(t.Context(), bob.UserID, auth.Contact{Name: "Bob", Email: "other@example.com"}), auth.ErrNotGuest)
}

func TestProvingAnAddressLinksItsGuests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signIn("ann@example.com")
	require.Empty(t, w.principal(first).Linked)
	guest, stranger := w.startGuest("ann@example.com"), w.startGuest("bob@example.com")
	second := w.signIn("ann@example.com")
	for _, session := range []auth.Session{first, second} { // older sessions of the user know it at once
		require.Equal(t, []string{guest.UserID}, w.principal(session).Linked)
		require.True(t, w.principal(session).RenewBy.IsZero(), "a guest is no new role")
	}
	require.True(t, w.principal(first).Is(guest.UserID))
	require.False(t, w.principal(first).Is(stranger.UserID))
	require.False(t, w.principal(guest).Is(first.UserID), "a guest gains nothing by giving another user's address")
}

func TestOnlySoManyGuestsAreLinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		_, err := w.pool.Exec(t.Context(), `
			INSERT INTO users (id, guest, contact_email, created_at, last_seen_at)
			SELECT 'usr_' || gen_random_uuid(), true, 'ann@example.com', now(), now() FROM generate_series(1, 40)`)
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.principal(w.signIn("ann@example.com")).Linked), 50)
	}
	require.Len(t, w.principal(w.signIn("ann@example.com")).Linked, 50)
}

func TestErasingAUserErasesTheirGuests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	linked := w.startGuest("ann@example.com")
	ann := w.signIn("ann@example.com")
	later, stranger := w.startGuest("ann@example.com"), w.startGuest("bob@example.com")
	require.NoError(t, w.EraseUser(t.Context(), ann.UserID, ann.UserID))
	for _, ended := range []auth.Session{ann, linked, later} {
		w.requireEnded(ended)
	}
	w.principal(stranger)
	var left int
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM users u WHERE to_jsonb(u)::text LIKE '%ann@%' OR name = 'Ann' AND id <> $1`,
		stranger.UserID).Scan(&left))
	require.Zero(t, left)
	require.NoError(t, w.EraseUser(t.Context(), stranger.UserID, stranger.UserID), "guests can erase themselves")
	w.requireEnded(stranger)
}

func TestUnusedGuestsAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unused := map[string]bool{}
	for range 7 {
		_, user, err := w.StartGuest(t.Context(), "")
		require.NoError(t, err)
		unused[user.ID] = true
	}
	buyer := w.startGuest("ann@example.com")
	w.clock.advance(w.cfg.SessionMax + time.Second)
	for range 2 {
		_, _, err := w.StartGuest(t.Context(), "")
		require.NoError(t, err)
	}
	ids := []string{buyer.UserID}
	for userID := range unused {
		ids = append(ids, userID)
	}
	users, err := w.Users(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, users, 1, fmt.Sprint(users))
	require.Contains(t, users, buyer.UserID)
}
