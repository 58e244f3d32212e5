package test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
)

// lossy loses every other response after the server has acted.
type lossy struct{ requests atomic.Int64 }

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.requests.Add(1)%2 == 1 && r.Header.Get("Accept") != "text/event-stream" {
		_ = response.Body.Close()
		return nil, errors.New("the response was lost")
	}
	return response, err
}

// startSale puts an event on sale with the client in Go.
func startSale(t *testing.T, url string) *api.Event {
	t.Helper()
	ctx := t.Context()
	admin, user, err := ticketing.New(ticketing.Config{URL: url}).SignIn(ctx, adminEmail)
	require.NoError(t, err)
	require.Contains(t, user.Roles, api.RoleAdmin)
	created, err := api.CreateEvent(ctx, admin, api.CreateEventInput{Name: "First night", Venue: "Town hall", StartsAt: time.Date(2040, 1, 1, 20, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	event := api.EventIDInput{EventId: created.CreateEvent.Event.Id}
	_, err = api.AddInventory(ctx, admin, api.AddInventoryInput{
		EventId: event.EventId, Section: "Stalls", Price: api.MoneyInput{Amount: "79.50", CurrencyCode: "EUR"}, Rows: []api.SeatRowInput{{Row: "A", Seats: 10}},
	})
	require.NoError(t, err)
	_, err = api.PublishEvent(ctx, admin, event)
	require.NoError(t, err)
	opened, err := api.OpenSales(ctx, admin, event)
	require.NoError(t, err)
	require.Equal(t, api.EventStatusSalesOpen, opened.OpenSales.Event.Status)
	return opened.OpenSales.Event
}

// A guest buys although every other response is lost, and reads what they did at once.
func TestAGuestBuysWithTheClientInGo(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	url, ctx := s.url+"/graphql", t.Context()
	event := startSale(t, url)

	guest, user, err := ticketing.New(ticketing.Config{URL: url, HTTP: &http.Client{Transport: new(lossy)}}).StartGuest(ctx)
	require.NoError(t, err)
	require.True(t, user.IsGuest)
	_, err = api.SetContact(ctx, guest, api.SetContactInput{Name: "Ann", Email: "ann@example.com"})
	require.NoError(t, err)
	_, err = api.ReserveSeats(ctx, guest, api.ReserveSeatsInput{EventId: event.Id, Items: []api.ReserveItemInput{{Section: "Stalls", Seats: []string{"A-11"}}}})
	var wrong ticketing.UserErrors
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, []string{"items", "0", "seats", "0"}, wrong[0].Field, "%v", wrong)

	reserved, err := api.ReserveSeats(ctx, guest, api.ReserveSeatsInput{EventId: event.Id, Items: []api.ReserveItemInput{{Section: "Stalls", Quantity: new(2)}}})
	require.NoError(t, err)
	reservation := reserved.ReserveSeats.Reservation
	require.Equal(t, "159.00", reservation.Total.Amount)
	mine, err := api.ListMyReservations(ctx, guest, nil, nil)
	require.NoError(t, err)
	require.Len(t, mine.Me.Reservations.Nodes, 1, "it acted once, and reads what it did")

	statuses := make(chan api.ReservationStatus, 16)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() {
		watched <- guest.WatchReservation(watching, reservation.Id, func(r api.Reservation) error {
			statuses <- r.Status
			if r.Status == api.ReservationStatusCompleted {
				stop()
			}
			return nil
		})
	}()
	require.Equal(t, api.ReservationStatusSeatsReserved, <-statuses)
	paid, err := api.ProcessPayment(ctx, guest, api.ProcessPaymentInput{
		ReservationId: reservation.Id, Method: &api.PaymentMethodInput{Card: &api.CardInput{Token: "pm_card_visa"}},
	})
	require.NoError(t, err)
	require.Equal(t, api.PaymentStatusCompleted, paid.ProcessPayment.Payment.Status)
	require.NoError(t, <-watched)

	tickets, err := api.GetTickets(ctx, guest, reservation.Id)
	require.NoError(t, err)
	require.Len(t, tickets.Reservation.Tickets, 2)
	found, err := api.GetReservation(ctx, guest, reservation.Id)
	require.NoError(t, err)
	require.Equal(t, api.ReservationStatusCompleted, found.Reservation.Status)
	require.Len(t, found.Reservation.Payments, 1)
	require.NoError(t, guest.SignOut(ctx))
	_, err = api.ListMyReservations(ctx, guest, nil, nil)
	require.Equal(t, "UNAUTHENTICATED", ticketing.CodeOf(err))
}

// dialer gives genqlient's own client of graphql-transport-ws a connection.
type dialer struct{}

func (dialer) DialContext(ctx context.Context, url string, header http.Header) (graphql.WSConn, error) {
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"graphql-transport-ws"}})
	return socket{ctx, conn}, err
}

type socket struct {
	ctx  context.Context
	conn *websocket.Conn
}

func (s socket) ReadMessage() (int, []byte, error) {
	kind, message, err := s.conn.Read(s.ctx)
	return int(kind), message, err
}

func (s socket) WriteMessage(_ int, message []byte) error {
	return s.conn.Write(s.ctx, websocket.MessageText, message)
}

func (s socket) Close() error { return s.conn.Close(websocket.StatusNormalClosure, "") }

func TestTheTypedSubscriptionsRunOverGenqlientsWebSocket(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	event := startSale(t, s.url+"/graphql")
	guest, _, err := ticketing.New(ticketing.Config{URL: s.url + "/graphql"}).StartGuest(t.Context())
	require.NoError(t, err)
	over := graphql.NewClientUsingWebSocket(strings.Replace(s.url, "http", "ws", 1)+"/graphql", dialer{},
		graphql.WithConnectionParams(map[string]any{"authorization": "Bearer " + guest.Token()}))
	failures, err := over.Start(t.Context())
	require.NoError(t, err)
	states, _, err := api.WatchAvailability(t.Context(), over, event.Id)
	require.NoError(t, err)
	require.Equal(t, event.Id, (<-states).Data.Availability.Id)
	_, err = api.ReserveSeats(t.Context(), guest, api.ReserveSeatsInput{EventId: event.Id, Items: []api.ReserveItemInput{{Section: "Stalls", Quantity: new(3)}}})
	require.NoError(t, err)
	for {
		select {
		case state := <-states:
			require.Empty(t, state.Errors)
			if counts := state.Data.Availability.Sections; len(counts) == 1 && counts[0].Available == 7 {
				return
			}
		case failure := <-failures:
			require.NoError(t, failure)
		}
	}
}
