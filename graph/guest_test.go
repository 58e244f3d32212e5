package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/ratelimit"
)

const (
	startGuest = `mutation { startGuestSession { sessionToken expiresAt user { id email isGuest contact { name email } roles } userErrors { code } } }`
	setContact = `mutation($name: String!, $email: String!) { setContact(input: {name: $name, email: $email}) { user { id contact { name email } } userErrors { code field } } }`
	payVisa    = `mutation($r: ID!, $k: String) { processPayment(input: {reservationId: $r, method: {card: {token: "pm_card_visa"}}, idempotencyKey: $k}) {
		payment { status } userErrors { code field } } }`
)

// newGuest starts a guest session and returns its user and the header that says so.
func (a *api) newGuest() (userID string, header []string) {
	a.t.Helper()
	payload := a.do(startGuest, nil).field(a.t, "startGuestSession")
	return payload["user"].(map[string]any)["id"].(string), []string{"Authorization", "Bearer " + payload["sessionToken"].(string)}
}

func TestGuestSessions(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.RateLimits.Guests = ratelimit.Limit{Requests: 2, Window: time.Hour} })
	got := a.do(startGuest, nil, "X-Session", "cookie")
	require.Equal(t, map[string]any{"isGuest": true, "email": nil, "contact": nil, "roles": []any{"CUSTOMER"}, "id": got.field(t, "startGuestSession", "user")["id"]},
		got.field(t, "startGuestSession", "user"))
	require.Contains(t, got.header.Get("Set-Cookie"), "__Host-ticketing_session=")
	_, guest := a.newGuest()
	require.Equal(t, "RATE_LIMITED", a.do(startGuest, nil).code(), "limited by IP")
	code, _ := a.do(startGuest, nil, guest...).userError(t, "startGuestSession")
	require.Equal(t, "INVALID_STATE", code)
}

// Places for WebSockets and event streams are kept for those who have proven an address: a client makes as many guests as it likes.
func TestAGuestHasProvenNothing(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	_, guest := a.newGuest()
	for token, proven := range map[string]bool{strings.TrimPrefix(guest[1], "Bearer "): false, a.signIn(newUser()): true} {
		viewer, err := a.server.SignIn(t.Context(), transport.Credentials{Bearer: token})
		require.NoError(t, err)
		require.True(t, a.server.SignedIn(viewer))
		require.Equal(t, proven, a.server.Proven(viewer))
	}
	require.False(t, a.server.Proven(t.Context()))
}

func TestAGuestGivesAContact(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	userID, guest := a.newGuest()
	code, field := a.do(setContact, vars{"name": "Ann", "email": "no address"}, guest...).userError(t, "setContact")
	require.Equal(t, "INVALID", code)
	require.Equal(t, []any{"email"}, field)
	code, field = a.do(setContact, vars{"name": " ", "email": "ann@example.com"}, guest...).userError(t, "setContact")
	require.Equal(t, "INVALID", code)
	require.Equal(t, []any{"name"}, field)

	contact := map[string]any{"name": "Ann Müller", "email": "ann@example.com"}
	require.Equal(t, contact, a.do(setContact, vars{"name": " Ann  Müller", "email": "Ann@Example.com"}, guest...).field(t, "setContact", "user", "contact"))
	require.Equal(t, contact, a.do(`{ me { contact { name email } } }`, nil, guest...).field(t, "me", "contact"))
	seen := a.do(`query($id: ID!) { node(id: $id) { ... on User { contact { email } } } }`, vars{"id": userID}, a.as(newUser(), auth.RoleAdmin)...)
	require.Equal(t, "ann@example.com", seen.field(t, "node", "contact")["email"])
	code, _ = a.do(setContact, vars{"name": "Bob", "email": "bob@example.com"}, a.as(newUser())...).userError(t, "setContact")
	require.Equal(t, "INVALID_STATE", code)

	for range 20 {
		a.do(setContact, vars{"name": "Ann", "email": "ann@example.com"}, guest...)
	}
	require.Equal(t, "RATE_LIMITED", a.do(setContact, vars{"name": "Ann", "email": "ann@example.com"}, guest...).code(), "limited by address")
	require.NotContains(t, a.log.String(), "ann@example.com")
	require.NotContains(t, a.log.String(), "Müller")
}

func TestAGuestPaysOnlyWithAContact(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	eventID := a.openSales(a.as(newUser(), auth.RoleOrganizer))
	_, guest := a.newGuest()
	reservation := a.reserve(eventID, guest)
	key := id.New("key")
	code, field := a.do(payVisa, vars{"r": reservation, "k": key}, guest...).userError(t, "processPayment")
	require.Equal(t, "INVALID", code)
	require.Equal(t, []any{"contact"}, field)
	require.Empty(t, a.do(setContact, vars{"name": "Ann", "email": "ann@example.com"}, guest...).field(t, "setContact")["userErrors"])
	paid := a.do(payVisa, vars{"r": reservation, "k": key}, guest...).field(t, "processPayment", "payment")
	require.Equal(t, "COMPLETED", paid["status"], "with the same idempotency key")

	var personal int
	require.NoError(t, a.write.Pool.QueryRow(t.Context(), `SELECT count(*) FROM domain_events WHERE data::text || metadata::text ~ 'ann@|Ann'`).Scan(&personal))
	require.Zero(t, personal)
}

func TestWhatGuestsBoughtIsTheirsAfterSigningIn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	eventID := a.openSales(a.as(newUser(), auth.RoleOrganizer))
	ann := newUser()
	own := a.addReservation(a.addEvent("usr_organizer", "SALES_OPEN"), ann)
	guestID, guest := a.newGuest()
	a.do(setContact, vars{"name": "Ann", "email": ann + "@example.com"}, guest...)
	bought := a.addReservation(a.addEvent("usr_organizer", "SALES_OPEN"), guestID)
	payment := a.addPayment(bought)
	held := a.reserve(eventID, guest)

	other := a.as(newUser())
	require.Equal(t, "FORBIDDEN", a.do(`query($id: ID!) { reservation(id: $id) { id } }`, vars{"id": bought.ID}, other...).code())
	me := a.as(ann) // proves the address
	listed := a.do(`{ me { reservations { nodes { id } pageInfo { hasNextPage } } payments { nodes { id } } } }`, nil, me...)
	require.Equal(t, []any{map[string]any{"id": bought.ID}, map[string]any{"id": own.ID}}, listed.field(t, "me", "reservations")["nodes"], "the newest first")
	require.Equal(t, []any{map[string]any{"id": payment.ID}}, listed.field(t, "me", "payments")["nodes"])
	page := a.do(`{ me { reservations(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } } }`, nil, me...).field(t, "me", "reservations")
	require.Equal(t, []any{map[string]any{"id": bought.ID}}, page["nodes"])
	require.Equal(t, true, page["pageInfo"].(map[string]any)["hasNextPage"])
	next := a.do(`query($c: String) { me { reservations(first: 1, after: $c) { nodes { id } } } }`, vars{"c": page["pageInfo"].(map[string]any)["endCursor"]}, me...)
	require.Equal(t, []any{map[string]any{"id": own.ID}}, next.field(t, "me", "reservations")["nodes"])

	require.Equal(t, bought.ID, a.do(`query($id: ID!) { reservation(id: $id) { id } }`, vars{"id": bought.ID}, me...).field(t, "reservation")["id"])
	require.Equal(t, "COMPLETED", a.do(payVisa, vars{"r": held, "k": "k"}, me...).field(t, "processPayment", "payment")["status"], "and on the write side")
	require.Equal(t, "FORBIDDEN", a.do(`query($id: ID!) { reservation(id: $id) { id } }`, vars{"id": own.ID}, guest...).code(), "not the other way")
}
