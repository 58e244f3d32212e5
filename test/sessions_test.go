package test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// openSocket returns a WebSocket that has received the first state of a reservation.
func (c *client) openSocket(reservationID string) *websocket.Conn {
	c.t.Helper()
	conn := c.connectSocket()
	operation, err := json.Marshal(map[string]any{"query": watchReservation, "variables": vars{"id": reservationID}})
	require.NoError(c.t, err)
	require.NoError(c.t, wsjson.Write(c.t.Context(), conn, wsMessage{ID: "1", Type: "subscribe", Payload: operation}))
	var first wsMessage
	require.NoError(c.t, wsjson.Read(c.t.Context(), conn, &first))
	require.Equal(c.t, "next", first.Type, "%s", first.Payload)
	return conn
}

// requireClosed waits until the server closes a WebSocket.
func requireClosed(t *testing.T, conn *websocket.Conn, code websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			require.NoError(t, ctx.Err(), "it is not closed")
			require.Equal(t, code, websocket.CloseStatus(err))
			return
		}
	}
}

func TestSocketsCloseWithTheirSession(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	here := s.customer("alice")
	event := onSale(t, s.admin(), 100, nil)
	awaitReservations(t, here, event)
	r := requireAccepted(t, here.reserveSeats(event, bestSeats("Floor", 1))).Reservation.ID
	const unauthorized, again = 4401, websocket.StatusServiceRestart

	stays := here.openSocket(r)
	there := signIn(t, s.url, "alice@example.com")
	open := there.openSocket(r)
	here.mustExecute(`mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { userErrors { code } } }`, vars{"id": there.sessionID()}, nil)
	requireClosed(t, open, unauthorized)
	require.Equal(t, "UNAUTHENTICATED", there.requireError(`{ me { id } }`, nil))

	there = signIn(t, s.url, "alice@example.com")
	open = there.openSocket(r)
	here.mustExecute(`mutation { revokeAllSessions(input: {keepCurrent: true}) { userErrors { code } } }`, nil, nil)
	requireClosed(t, open, unauthorized)

	_, wrong := s.admin().changeUser("grantRole", "RoleInput", vars{"userId": here.id, "role": "ORGANIZER"})
	require.Empty(t, wrong)
	requireClosed(t, stays, again)
	stays = here.openSocket(r)
	var renewed struct{ RenewSession struct{ SessionToken string } }
	here.mustExecute(`mutation { renewSession { sessionToken } }`, nil, &renewed)
	requireClosed(t, stays, again)
	here.token = renewed.RenewSession.SessionToken
	stays = here.openSocket(r)
	here.mustExecute(`mutation { signOut { userErrors { code } } }`, nil, nil)
	requireClosed(t, stays, unauthorized)
}

// An organizer can manage their events only while they have the role.
func TestAnOrganizerLosesTheirEventsWithTheRole(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, organizer, alice := s.admin(), s.customer("organizer"), s.customer("alice")
	change := func(mutation string) {
		_, wrong := admin.changeUser(mutation, "RoleInput", vars{"userId": organizer.id, "role": "ORGANIZER"})
		require.Empty(t, wrong)
	}
	change("grantRole")
	event := onSale(t, organizer, 100, nil)
	draft := requireAccepted(t, organizer.createEvent(vars{"name": secretPlans})).Event.ID
	awaitEventStatus(t, organizer, draft, "DRAFT")
	awaitReservations(t, alice, event)
	r := requireAccepted(t, alice.reserveSeats(event, bestSeats("Floor", 1))).Reservation
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
	require.NotNil(t, organizer.readReservation(r.ID, paid.Reservation.Version))
	open := organizer.openSocket(r.ID)

	change("revokeRole")
	requireClosed(t, open, websocket.StatusServiceRestart)
	for question, v := range map[string]vars{
		`query($id: ID!) { reservation(id: $id) { id } }`:                                                            {"id": r.ID},
		`subscription($id: ID!) { reservationStatus(id: $id) { id } }`:                                               {"id": r.ID},
		`query($id: ID!) { event(id: $id) { reservations { nodes { id } } } }`:                                       {"id": event},
		`mutation($id: ID!) { closeSales(input: {eventId: $id}) { userErrors { code } } }`:                           {"id": event},
		`mutation($id: ID!) { refundPayment(input: {paymentId: $id, idempotencyKey: "k"}) { userErrors { code } } }`: {"id": paid.Payment.ID},
	} {
		told, body := organizer.outcomeOf(question, v)
		require.Equal(t, "FORBIDDEN", told, "%s: %s", question, body)
	}
	require.Nil(t, organizer.readEvent(draft))
	_, list := organizer.outcomeOf(`{ events(first: 100) { nodes { name } } }`, nil)
	require.NotContains(t, list, secretPlans)

	change("grantRole")
	require.NotNil(t, organizer.readEvent(draft))
	require.NotNil(t, organizer.readReservation(r.ID, 0))
}
