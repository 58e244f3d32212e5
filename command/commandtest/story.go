package commandtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

// Story is a system in which everything has happened that can, so that each column of each read table has something to say.
type Story struct {
	*System

	EventID, CancelledID string
	Completed, Held      string // reservations of EventID
	Payment              string // of Completed
	Refunded             string // a reservation of CancelledID

	t     testing.TB
	clock *testenv.Clock
}

var saga = User("system:saga")

// NewStory starts a system on a fresh database, or on the given one, with a clock of its own. Nothing has happened in it yet.
func NewStory(t testing.TB, database string) *Story {
	t.Helper()
	s := &Story{t: t, System: New(t, Config{Database: database, Hold: 5 * time.Minute})}
	s.clock = testenv.NewStoppedClock(t, s.URL, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
	return s
}

// MakeEvent puts an event on sale with 20 standing places, two rows of seats, and 20 free places.
func (s *Story) MakeEvent(name string) string {
	s.t.Helper()
	most := 50
	return s.OnSale(s.t, event.Create{
		Name: name, Description: "Où êtes-vous?", Venue: "Arena", StartsAt: s.clock.Now().Add(24*time.Hour + 123*time.Nanosecond),
		MaxTicketsPerCustomer: &most, PaymentAttempts: 2,
	}, Standing("Floor", 20, 25_00), Seated("Stalls", 45_50, inventory.Row{Name: "A", Seats: 4, Layout: &inventory.Layout{}},
		inventory.Row{Name: "B", Seats: 2, Layout: &inventory.Layout{Y: 1.25, Rotation: -12.5}}),
		Standing("Lawn", 20, 0))
}

// ReserveFor reserves for a customer and returns the reservation's id.
func (s *Story) ReserveFor(customer, eventID string, items ...inventory.ReserveItem) string {
	s.t.Helper()
	return s.Reserve(s.t, User(customer), eventID, items...).ID
}

// PayFor pays with a card, which must have an outcome, and returns the payment's id.
func (s *Story) PayFor(customer, reservationID, token string, want payment.Status) string {
	s.t.Helper()
	paid, err := s.ProcessPayment(s.t.Context(), User(customer), command.ProcessPayment{ReservationID: reservationID, CardToken: token})
	if _, rejected := rejection.As(err); !rejected {
		require.NoError(s.t, err)
	}
	require.NotNil(s.t, paid.Payment)
	require.Equal(s.t, want, paid.Payment.Status)
	return paid.Payment.ID
}

// Tell makes everything happen.
func (s *Story) Tell() {
	s.t.Helper()
	ctx := s.t.Context()
	s.EventID, s.CancelledID = s.MakeEvent("First night"), s.MakeEvent("Second night")
	s.tellPurchases()
	s.tellChanges()
	s.tellCancellation()
	_, err := s.CloseSales(ctx, Organizer, s.EventID)
	require.NoError(s.t, err)
	s.SagaFollows()
}

// SagaFollows records that the saga has followed the log to its end.
func (s *Story) SagaFollows() {
	s.t.Helper()
	_, err := s.Pool.Exec(s.t.Context(), `INSERT INTO saga_positions (shard, position) SELECT 0, max(position) FROM domain_events ON CONFLICT DO NOTHING`)
	require.NoError(s.t, err)
}

func (s *Story) tellPurchases() {
	s.t.Helper()
	ctx := s.t.Context()
	s.Completed = s.ReserveFor("usr_alice", s.EventID, Seats("Stalls", "A-1", "A-2"), Tickets("Floor", 2))
	s.Payment = s.PayFor("usr_alice", s.Completed, "pm_card_visa", payment.Completed)
	expiring := s.ReserveFor("usr_bob", s.EventID, Tickets("Floor", 3))
	s.clock.Move(6 * time.Minute)
	require.NoError(s.t, s.ExpireHold(ctx, saga, expiring))
	s.Held = s.ReserveFor("usr_carol", s.EventID, Seats("Stalls", "B-1"))
	given := s.ReserveFor("usr_dan", s.EventID, Tickets("Stalls", 1))
	_, err := s.CancelReservation(ctx, User("usr_dan"), command.CancelReservation{ReservationID: given, Reason: "too late"})
	require.NoError(s.t, err)
	declined := s.ReserveFor("usr_erin", s.EventID, Tickets("Floor", 1))
	s.PayFor("usr_erin", declined, "pm_card_chargeDeclined", payment.Failed)
	s.PayFor("usr_erin", declined, "pm_card_chargeDeclinedInsufficientFunds", payment.Failed)
	again := s.ReserveFor("usr_erin", s.EventID, Tickets("Floor", 1))
	s.PayFor("usr_erin", again, "pm_sandbox_unavailable", payment.Failed)
	s.PayFor("usr_erin", again, "pm_sandbox_timeout", payment.Processing)
	pending := s.ReserveFor("usr_frank", s.EventID, Tickets("Floor", 1))
	s.PayFor("usr_frank", pending, "pm_card_authenticationRequired", payment.RequiresAction)
	free := s.ReserveFor("usr_grace", s.EventID, Tickets("Lawn", 2))
	_, err = s.ProcessPayment(ctx, User("usr_grace"), command.ProcessPayment{ReservationID: free})
	require.NoError(s.t, err)
}

func (s *Story) tellChanges() {
	s.t.Helper()
	_, err := s.UpdateEvent(s.t.Context(), Organizer, s.EventID, event.Update{
		TimeZone: new("Europe/Paris"), MaxTicketsPerReservation: new(7), ClearMaxTicketsPerCustomer: true,
	})
	require.NoError(s.t, err)
	_, err = s.UpdateSection(s.t.Context(), Organizer, s.EventID, inventory.Update{
		Section: "Stalls", Price: &money.Money{Minor: 50_00, Currency: "EUR"}, Block: []string{"A-4"}, Accessible: []string{"A-3"},
		Rows: []inventory.Row{
			{Name: "A", Seats: 4, Layout: &inventory.Layout{X: -0.5, Y: 1.5, Rotation: 20}}, {Name: "B", Seats: 1},
			{Name: "C", Seats: 1, Numbering: inventory.Numbering{First: 9}, Layout: &inventory.Layout{X: 3}},
		},
	})
	require.NoError(s.t, err)
}

func (s *Story) tellCancellation() {
	s.t.Helper()
	ctx := s.t.Context()
	s.Refunded = s.ReserveFor("usr_alice", s.CancelledID, Seats("Stalls", "A-3"), Tickets("Floor", 1))
	refunded := s.PayFor("usr_alice", s.Refunded, "pm_card_visa", payment.Completed)
	refused := s.ReserveFor("usr_bob", s.CancelledID, Tickets("Floor", 1))
	unlucky := s.PayFor("usr_bob", refused, "pm_card_refundFail", payment.Completed)
	s.ReserveFor("usr_carol", s.CancelledID, Tickets("Floor", 1))
	_, err := s.CancelEvent(ctx, Organizer, s.CancelledID, "rain")
	require.NoError(s.t, err)
	require.NoError(s.t, s.WindUpEvent(ctx, saga, s.CancelledID, command.AllVersions))
	for _, paymentID := range []string{refunded, unlucky} {
		var refundID string
		require.NoError(s.t, s.Pool.QueryRow(ctx, `SELECT data->>'refundId' FROM domain_events WHERE stream_id = $1 AND type = 'RefundRequested'`,
			payment.Stream(paymentID)).Scan(&refundID))
		require.NoError(s.t, s.ExecuteRefund(ctx, saga, paymentID, refundID))
	}
}
