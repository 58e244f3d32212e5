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

// socket answers a WebSocket of the client that has told the first state of a reservation.
func (c *client) socket(reservationID string) *websocket.Conn {
	c.t.Helper()
	conn := c.connect()
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

func TestOpenSocketsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	s := start(t)
	here := s.customer("alice")
	event := onSale(t, s.admin(), 100, nil)
	awaitReservations(t, here, event)
	r := requireOK(t, here.reserve(event, item("Floor", 1))).Reservation.ID
	const unauthorized, again = 4401, websocket.StatusServiceRestart

	stays := here.socket(r)
	there := signIn(t, s.url, "alice@example.com")
	open := there.socket(r)
	here.do(`mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { userErrors { code } } }`, vars{"id": there.session()}, nil)
	requireClosed(t, open, unauthorized)
	require.Equal(t, "UNAUTHENTICATED", there.refused(`{ me { id } }`, nil))

	there = signIn(t, s.url, "alice@example.com")
	open = there.socket(r)
	here.do(`mutation { revokeAllSessions(input: {keepCurrent: true}) { userErrors { code } } }`, nil, nil)
	requireClosed(t, open, unauthorized)

	_, wrong := s.admin().changeUser("grantRole", "RoleInput", vars{"userId": here.id, "role": "ORGANIZER"})
	require.Empty(t, wrong)
	requireClosed(t, stays, again)
	stays = here.socket(r)
	var renewed struct{ RenewSession struct{ SessionToken string } }
	here.do(`mutation { renewSession { sessionToken } }`, nil, &renewed)
	requireClosed(t, stays, again)
	here.token = renewed.RenewSession.SessionToken
	stays = here.socket(r)
	here.do(`mutation { signOut { userErrors { code } } }`, nil, nil)
	requireClosed(t, stays, unauthorized)
}

// Who made an event loses it with the role of an organizer, and has it back with the role.
func TestAnOrganizersEventsGoWithTheRole(t *testing.T) {
	t.Parallel()
	s := start(t)
	admin, organizer, alice := s.admin(), s.customer("organizer"), s.customer("alice")
	change := func(mutation string) {
		_, wrong := admin.changeUser(mutation, "RoleInput", vars{"userId": organizer.id, "role": "ORGANIZER"})
		require.Empty(t, wrong)
	}
	change("grantRole")
	event := onSale(t, organizer, 100, nil)
	draft := requireOK(t, organizer.createEvent(vars{"name": secretPlans})).Event.ID
	awaitEventStatus(t, organizer, draft, "DRAFT")
	awaitReservations(t, alice, event)
	r := requireOK(t, alice.reserve(event, item("Floor", 1))).Reservation
	paid := requireOK(t, alice.pay(r.ID, "pm_card_visa"))
	require.NotNil(t, organizer.reservation(r.ID, paid.Reservation.Version))
	open := organizer.socket(r.ID)

	change("revokeRole")
	requireClosed(t, open, websocket.StatusServiceRestart)
	for question, v := range map[string]vars{
		`query($id: ID!) { reservation(id: $id) { id } }`:                                                            {"id": r.ID},
		`subscription($id: ID!) { reservationStatus(id: $id) { id } }`:                                               {"id": r.ID},
		`query($id: ID!) { event(id: $id) { reservations { nodes { id } } } }`:                                       {"id": event},
		`mutation($id: ID!) { closeSales(input: {eventId: $id}) { userErrors { code } } }`:                           {"id": event},
		`mutation($id: ID!) { refundPayment(input: {paymentId: $id, idempotencyKey: "k"}) { userErrors { code } } }`: {"id": paid.Payment.ID},
	} {
		told, body := organizer.told(question, v)
		require.Equal(t, "FORBIDDEN", told, "%s: %s", question, body)
	}
	require.Nil(t, organizer.event(draft))
	_, list := organizer.told(`{ events(first: 100) { nodes { name } } }`, nil)
	require.NotContains(t, list, secretPlans)

	change("grantRole")
	require.NotNil(t, organizer.event(draft))
	require.NotNil(t, organizer.reservation(r.ID, 0))
}
