package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ticketing/internal/testenv"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"
)

// wsMessage is a message of graphql-transport-ws.
type wsMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// subscribe returns a channel of a subscription's messages over graphql-transport-ws. It is closed when the server completes or the
// test ends.
func (c *client) subscribe(query string, v vars) <-chan wsMessage {
	c.t.Helper()
	ctx, conn := c.t.Context(), c.connectSocket()
	operation, err := json.Marshal(map[string]any{"query": query, "variables": v})
	require.NoError(c.t, err)
	require.NoError(c.t, wsjson.Write(ctx, conn, wsMessage{ID: "1", Type: "subscribe", Payload: operation}))
	messages := make(chan wsMessage, 64)
	go readMessages(ctx, conn, messages)
	return messages
}

// subscribeToEvents is the same over server-sent events.
func (c *client) subscribeToEvents(query string, v vars) <-chan wsMessage {
	c.t.Helper()
	return c.resumeEvents(query, v, "")
}

// resumeEvents is subscribeToEvents after a break: the client had the event with the id last.
func (c *client) resumeEvents(query string, v vars, lastEventID string) <-chan wsMessage {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	require.NoError(c.t, err)
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/graphql", bytes.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Last-Event-ID", lastEventID)
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(c.t, http.StatusOK, response.StatusCode)
	messages := make(chan wsMessage, 64)
	go func() {
		defer close(messages)
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok && strings.TrimSpace(data) != "" {
				messages <- wsMessage{Type: "next", Payload: json.RawMessage(strings.TrimSpace(data))}
			}
		}
	}()
	return messages
}

// connectSocket returns a WebSocket on which the client is signed in.
func (c *client) connectSocket() *websocket.Conn {
	c.t.Helper()
	ctx := c.t.Context()
	conn, _, err := c.dialSocket()
	require.NoError(c.t, err)
	authorization, err := json.Marshal(map[string]string{"authorization": "Bearer " + c.token})
	require.NoError(c.t, err)
	require.NoError(c.t, wsjson.Write(ctx, conn, wsMessage{Type: "connection_init", Payload: authorization}))
	var ack wsMessage
	require.NoError(c.t, wsjson.Read(ctx, conn, &ack))
	require.Equal(c.t, "connection_ack", ack.Type)
	return conn
}

// dialSocket opens a WebSocket without signing in.
func (c *client) dialSocket() (*websocket.Conn, *http.Response, error) {
	url := "ws" + strings.TrimPrefix(c.url, "http") + "/graphql"
	conn, response, err := websocket.Dial(c.t.Context(), url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err == nil {
		c.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, response, err
}

func readMessages(ctx context.Context, conn *websocket.Conn, messages chan<- wsMessage) {
	defer close(messages)
	for {
		var m wsMessage
		if err := wsjson.Read(ctx, conn, &m); err != nil {
			return
		}
		switch m.Type {
		case "ping":
			_ = wsjson.Write(ctx, conn, wsMessage{Type: "pong"})
		case "complete":
			return
		default:
			messages <- m
		}
	}
}

const watchReservation = `subscription($id: ID!) { reservationStatus(id: $id) { id version status } }`

// awaitReservations waits until the projection of reservations runs: a subscription waits only 2 s for its row, and on a busy
// machine the projectors of a new system may take longer to join their groups.
func awaitReservations(t testing.TB, c *client, eventID string) {
	t.Helper()
	r := requireAccepted(t, c.reserveSeats(eventID, bestSeats("Floor", 1))).Reservation
	require.NotNil(t, c.readReservation(r.ID, r.Version))
}

// awaitState reads states until one has the status, and checks that versions only rise.
func awaitState(t testing.TB, messages <-chan wsMessage, status string) {
	t.Helper()
	last := 0
	deadline := time.After(testenv.Patience)
	for {
		select {
		case m, open := <-messages:
			require.True(t, open, "the subscription ended before %s came", status)
			require.Equal(t, "next", m.Type, "%s", m.Payload)
			var next struct {
				Data   struct{ ReservationStatus reservationValue }
				Errors []graphQLError
			}
			require.NoError(t, json.Unmarshal(m.Payload, &next))
			require.Empty(t, next.Errors)
			state := next.Data.ReservationStatus
			require.Greater(t, state.Version, last, "versions only rise")
			last = state.Version
			if state.Status == status {
				return
			}
		case <-deadline:
			require.Fail(t, "the last state never came", "waiting for %s at version %d", status, last)
		}
	}
}

func TestASubscriptionRightAfterTheMutationReceivesTheFinalState(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 100, vars{"paymentAttempts": 1})
	awaitReservations(t, alice, id)
	for i, end := range []string{"COMPLETED", "COMPENSATED", "CANCELLED", "EXPIRED"} {
		t.Run(end, func(t *testing.T) {
			r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
			states := alice.subscribe(watchReservation, vars{"id": r.ID})
			switch i {
			case 0:
				alice.payByCard(r.ID, "pm_card_visa")
			case 1:
				alice.payByCard(r.ID, "pm_card_chargeDeclined")
			case 2:
				alice.cancelReservation(r.ID)
			case 3:
				s.clock.Move(holdDuration + time.Second)
			}
			awaitState(t, states, end)
		})
	}
}

func TestAvailabilityStatesHaveRisingInventoryVersions(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 100, nil)
	awaitEventStatus(t, alice, id, "SALES_OPEN")
	states := alice.subscribe(`subscription($id: ID!) { availability(eventId: $id) { id inventoryVersion sections { name available reserved sold } } }`, vars{"id": id})
	const reservations = 20
	for range reservations {
		requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2)))
	}
	last, deadline := -1, time.After(testenv.Patience)
	for {
		select {
		case m, open := <-states:
			require.True(t, open)
			var next struct {
				Data struct{ Availability eventValue }
			}
			require.NoError(t, json.Unmarshal(m.Payload, &next))
			e := next.Data.Availability
			require.Greater(t, e.InventoryVersion, last)
			last = e.InventoryVersion
			if len(e.Sections) > 0 && e.Sections[0].Reserved == 2*reservations {
				return
			}
		case <-deadline:
			require.Fail(t, "the last state never came", "at inventory version %d", last)
		}
	}
}

func TestSubscriptionsRunOverServerSentEvents(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 100, nil)
	awaitReservations(t, alice, id)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	messages := alice.subscribeToEvents(watchReservation, vars{"id": r.ID})
	alice.cancelReservation(r.ID)
	awaitState(t, messages, "CANCELLED")
}

func TestOnlyTheOwnerCanWatchAReservation(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice, bob := s.customer("alice"), s.customer("bob")
	id := onSale(t, s.admin(), 100, nil)
	awaitReservations(t, alice, id)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	for who, want := range map[*client]string{bob: "FORBIDDEN", {t: t, url: alice.url, token: alice.token}: ""} {
		m := <-who.subscribe(watchReservation, vars{"id": r.ID})
		if want == "" {
			require.Equal(t, "next", m.Type, "%s", m.Payload)
			continue
		}
		require.Contains(t, string(m.Payload), fmt.Sprintf("%q", want))
	}
	missing := <-alice.subscribe(watchReservation, vars{"id": "rsv_01h455vb4pex5vsknk084sn02q"})
	require.Contains(t, string(missing.Payload), `"NOT_FOUND"`)
}
