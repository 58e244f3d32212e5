package saga

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

const hold = 5 * time.Minute

// world is the saga with the real write side and the sandbox.
type world struct {
	*commandtest.System

	pool    *pgxpool.Pool
	clock   *testenv.Clock
	eventID string
}

var (
	organizer = command.Caller{Principal: command.User("usr_organizer"), Trace: command.Trace{CorrelationID: "request"}}
	customer  = command.Caller{Principal: command.User("usr_customer"), Trace: command.Trace{CorrelationID: "request"}}
)

// newWorld returns a world with a published event of one section; its sales open in an hour and close two hours later.
func newWorld(t *testing.T, capacity int) *world {
	t.Helper()
	return newWorldBehind(t, capacity, nil)
}

// newWorldBehind is newWorld with gateways that are wrapped.
func newWorldBehind(t *testing.T, capacity int, wrap func(command.Gateways) command.Gateways) *world {
	t.Helper()
	w := &world{System: commandtest.New(t, commandtest.Config{Hold: hold, Wrap: wrap})}
	w.pool, w.clock = w.Pool, testenv.NewStoppedClock(t, w.URL, start)
	created, err := w.CreateEvent(t.Context(), organizer, event.Create{
		Name: "A concert", Venue: "A hall", StartsAt: in(24 * time.Hour), SalesOpenAt: at(time.Hour), SalesCloseAt: at(3 * time.Hour),
		MaxTicketsPerReservation: 8, PaymentAttempts: 2,
	})
	require.NoError(t, err)
	w.eventID = created.ID
	_, err = w.AddInventory(t.Context(), organizer, w.eventID, inventory.Add{Section: "Floor", Price: money.Money{Minor: 2500, Currency: "EUR"}, Capacity: &capacity})
	require.NoError(t, err)
	_, err = w.PublishEvent(t.Context(), organizer, w.eventID)
	require.NoError(t, err)
	return w
}

// pass moves the clock and waits until the saga has done what became due.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	w.clock.Move(d)
	waitUntilIdle(t, w.pool)
}

func (w *world) reserve(t *testing.T) command.Reservation {
	t.Helper()
	one := 1
	r, err := w.ReserveSeats(t.Context(), customer, command.ReserveSeats{EventID: w.eventID, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &one}}})
	require.NoError(t, err)
	return r
}

// pay requires a payment status when the customer gets the response.
func (w *world) pay(t *testing.T, r command.Reservation, token string, want payment.Status) string {
	t.Helper()
	paid, err := w.ProcessPayment(t.Context(), customer, command.ProcessPayment{ReservationID: r.ID, CardToken: token})
	require.NoError(t, err)
	require.Equal(t, want, paid.Payment.Status, "paying with %s", token)
	return paid.Payment.ID
}

// status folds a reservation's stream.
func (w *world) status(t *testing.T, reservationID string) reservation.Status {
	t.Helper()
	return state(t, w.pool, reservation.Stream(reservationID), reservation.Evolve).Status
}

func (w *world) paymentStatus(t *testing.T, paymentID string) payment.Status {
	t.Helper()
	return state(t, w.pool, payment.Stream(paymentID), payment.Evolve).Status
}

func (w *world) section(t *testing.T) *inventory.Section {
	t.Helper()
	return state(t, w.pool, inventory.Stream(w.eventID), inventory.Evolve).Sections[0]
}

func (w *world) eventStatus(t *testing.T) event.Status {
	t.Helper()
	return state(t, w.pool, event.Stream(w.eventID), event.Evolve).Status
}
