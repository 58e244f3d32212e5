package test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// onSale creates an event with a general-admission section "Floor" and numbered seats "Stalls", and opens its sales.
func onSale(t testing.TB, organizer *client, floor int, more vars) string {
	t.Helper()
	id := requireAccepted(t, organizer.createEvent(more)).Event.ID
	requireAccepted(t, organizer.addInventory(id, "Floor", "20.00", vars{"capacity": floor}))
	requireAccepted(t, organizer.addInventory(id, "Stalls", "45.50", vars{"rows": []vars{{"row": "A", "seats": 10}, {"row": "B", "seats": 10}}}))
	requireAccepted(t, organizer.eventAction("publishEvent", id))
	require.Equal(t, "SALES_OPEN", requireAccepted(t, organizer.eventAction("openSales", id)).Event.Status)
	return id
}

// awaitSections waits until the read table shows these counts: available, reserved, sold.
func awaitSections(t testing.TB, c *client, eventID string, want map[string][3]int) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		e := c.readEvent(eventID)
		if e == nil {
			return false, "no event"
		}
		got := map[string][3]int{}
		for _, s := range e.Sections {
			got[s.Name] = [3]int{s.Available, s.Reserved, s.Sold}
		}
		for name, counts := range want {
			if got[name] != counts {
				return false, fmt.Sprintf("sections are %v, not %v", got, want)
			}
		}
		return true, ""
	})
}

func awaitStatus(t testing.TB, c *client, reservationID, status string) *reservationValue {
	t.Helper()
	var data struct{ Reservation *reservationValue }
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		errs := c.execute(`query($id: ID!) { reservation(id: $id) { `+reservationFields+` } }`, vars{"id": reservationID}, &data)
		r := data.Reservation
		return len(errs) == 0 && r != nil && r.Status == status, fmt.Sprintf("reservation is %+v, not %s: %v", r, status, errs)
	})
	return data.Reservation
}

func TestAPurchaseFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 50, nil)

	reserved := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2), namedSeats("Stalls", "B-3", "B-4"))).Reservation
	require.Equal(t, "SEATS_RESERVED", reserved.Status)
	require.Equal(t, moneyValue{"131.00", "EUR"}, reserved.Total)
	require.Len(t, reserved.Seats, 4)
	awaitSections(t, alice, id, map[string][3]int{"Floor": {48, 2, 0}, "Stalls": {18, 2, 0}})

	paid := requireAccepted(t, alice.payByCard(reserved.ID, "pm_card_visa"))
	require.Equal(t, "COMPLETED", paid.Payment.Status)
	require.Equal(t, "COMPLETED", paid.Reservation.Status)
	require.Equal(t, "sandbox", paid.Payment.Gateway)

	// All four projections.
	r := alice.readReservation(reserved.ID, paid.Reservation.Version)
	require.Equal(t, "COMPLETED", r.Status)
	p := alice.readPayment(paid.Payment.ID, paid.Payment.Version)
	require.Equal(t, "COMPLETED", p.Status)
	require.Equal(t, moneyValue{"131.00", "EUR"}, p.Amount)
	require.NotNil(t, p.TransactionID)
	awaitSections(t, alice, id, map[string][3]int{"Floor": {48, 0, 2}, "Stalls": {18, 0, 2}})
	e := alice.readEvent(id)
	require.Equal(t, "First night", e.Name)
	require.Equal(t, "SALES_OPEN", e.Status)
	for _, seat := range e.Sections[1].Seats.Nodes {
		want := "AVAILABLE"
		if seat.Label == "B-3" || seat.Label == "B-4" {
			want = "SOLD"
		}
		require.Equal(t, want, seat.Status, seat.Label)
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		r := alice.readReservation(reserved.ID, 0)
		return len(r.Payments) == 1 && r.Payments[0].Status == "COMPLETED" && r.Event != nil && r.Event.Name == "First night", fmt.Sprintf("%+v", r)
	})
}

func TestAnUnpaidHoldExpiresOnTime(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 3), bestSeats("Stalls", 1))).Reservation
	awaitSections(t, alice, id, map[string][3]int{"Floor": {7, 3, 0}, "Stalls": {19, 1, 0}})

	s.clock.Move(holdDuration - time.Second)
	require.Equal(t, "SEATS_RESERVED", alice.readReservation(r.ID, r.Version).Status)
	s.clock.Move(2 * time.Second)
	// After its hold a reservation cannot be paid, even before the saga has expired it.
	requireRejected(t, alice.payByCard(r.ID, "pm_card_visa"), "RESERVATION_EXPIRED")
	awaitStatus(t, alice, r.ID, "EXPIRED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {10, 0, 0}, "Stalls": {20, 0, 0}})
}

func TestADeclinedPaymentCompensates(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, vars{"paymentAttempts": 1})
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1), namedSeats("Stalls", "A-1"))).Reservation
	declined := alice.payByCard(r.ID, "pm_card_chargeDeclined")
	requireRejected(t, declined, "PAYMENT_DECLINED")
	require.Equal(t, "FAILED", declined.Payment.Status)
	require.NotNil(t, declined.Payment.FailureReason)
	require.Equal(t, "COMPENSATED", declined.Reservation.Status)
	awaitStatus(t, alice, r.ID, "COMPENSATED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {10, 0, 0}, "Stalls": {20, 0, 0}})
	requireAccepted(t, s.customer("bob").reserveSeats(id, namedSeats("Stalls", "A-1")))
}

func TestADeclinedPaymentWithAttemptsLeftKeepsTheSeats(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	for range 2 {
		declined := alice.payByCard(r.ID, "tok_chargeDeclined")
		requireRejected(t, declined, "PAYMENT_DECLINED")
		require.Equal(t, "SEATS_RESERVED", declined.Reservation.Status, "there are three attempts unless said otherwise")
	}
	paid := requireAccepted(t, alice.payByCard(r.ID, "tok_visa"))
	require.Equal(t, "COMPLETED", paid.Reservation.Status)
}

func TestAPaymentThatNeedsAnAction(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired"))
	require.Equal(t, "REQUIRES_ACTION", waiting.Payment.Status)
	require.Equal(t, "PAYMENT_PENDING", waiting.Reservation.Status)
	require.NotNil(t, waiting.Payment.NextAction)
	require.Equal(t, r.ExpiresAt.Add(holdDuration), waiting.Reservation.ExpiresAt, "a payment extends the hold once")
	done := requireAccepted(t, alice.confirmPayment(waiting.Payment.ID))
	require.Equal(t, "COMPLETED", done.Payment.Status)
	require.Equal(t, "COMPLETED", done.Reservation.Status)
}

func TestACustomerWhoTurnsBackPaysAnotherWay(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired")).Payment

	const cancel = `mutation($i: CancelPaymentInput!) { cancelPayment(input: $i) {
		payment { id status failureReason } reservation { status } userErrors { code } } }`
	var data struct {
		CancelPayment struct {
			Payment     struct{ ID, Status string }
			Reservation struct{ Status string }
			UserErrors  []userError
		}
	}
	alice.mustExecute(cancel, vars{"i": vars{"paymentId": waiting.ID, "idempotencyKey": newKey()}}, &data)
	require.Empty(t, data.CancelPayment.UserErrors)
	require.Equal(t, "FAILED", data.CancelPayment.Payment.Status)
	require.Equal(t, "SEATS_RESERVED", data.CancelPayment.Reservation.Status, "it uses up no attempt")

	waiting = requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired")).Payment
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
	require.Equal(t, "COMPLETED", paid.Reservation.Status)
	require.NotEqual(t, waiting.ID, paid.Payment.ID)
	require.Equal(t, "FAILED", alice.readPayment(waiting.ID, waiting.Version+1).Status)

	other := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.payByCard(other.ID, "pm_card_authenticationRequired"))
	require.Equal(t, "CANCELLED", requireAccepted(t, alice.cancelReservation(other.ID)).Reservation.Status)
	awaitSections(t, alice, id, map[string][3]int{"Floor": {9, 0, 1}})
}

func TestAnAbandonedActionExpiresWithItsHold(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired"))
	s.clock.Move(2*holdDuration + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {10, 0, 0}})
	require.Equal(t, "FAILED", alice.readPayment(waiting.Payment.ID, waiting.Payment.Version+1).Status)
}

func TestACancelledReservationFreesItsSeatsAtOnce(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "A-1", "A-2"))).Reservation
	require.Equal(t, "CANCELLED", requireAccepted(t, alice.cancelReservation(r.ID)).Reservation.Status)
	again := requireAccepted(t, s.customer("bob").reserveSeats(id, namedSeats("Stalls", "A-1", "A-2")))
	require.Equal(t, "SEATS_RESERVED", again.Reservation.Status)
	requireRejected(t, alice.cancelReservation(r.ID), "INVALID_STATE")
	requireRejected(t, alice.payByCard(r.ID, "pm_card_visa"), "INVALID_STATE")
}

func TestTheLastSeatIsSoldOnce(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer := s.admin()
	const buyers, rounds = 100, 10
	customers := make([]*client, buyers)
	for i := range customers {
		customers[i] = s.customer(fmt.Sprintf("buyer%d", i))
	}
	for range rounds {
		id := onSale(t, organizer, 1, nil)
		var won, insufficient atomic.Int64
		var wg sync.WaitGroup
		for _, c := range customers {
			wg.Go(func() {
				p := c.reserveSeats(id, bestSeats("Floor", 1))
				switch {
				case p.Reservation != nil && len(p.UserErrors) == 0:
					won.Add(1)
				case len(p.UserErrors) == 1 && p.UserErrors[0].Code == "INSUFFICIENT_INVENTORY":
					insufficient.Add(1)
				default:
					t.Errorf("unexpected payload %+v", p)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, buyers-1, insufficient.Load())
		awaitSections(t, organizer, id, map[string][3]int{"Floor": {0, 1, 0}})
	}
}

func TestACancelledEventEndsItsReservations(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice, bob := s.admin(), s.customer("alice"), s.customer("bob")
	id := onSale(t, organizer, 10, nil)
	held := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	sold := requireAccepted(t, bob.reserveSeats(id, bestSeats("Floor", 3))).Reservation
	paid := requireAccepted(t, bob.payByCard(sold.ID, "pm_card_visa"))
	pending := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.payByCard(pending.ID, "pm_card_authenticationRequired"))
	p := organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id status }", vars{"eventId": id, "reason": "rain"})
	require.Equal(t, "CANCELLED", requireAccepted(t, p).Event.Status)
	awaitStatus(t, alice, held.ID, "CANCELLED")
	awaitStatus(t, alice, pending.ID, "CANCELLED")
	awaitStatus(t, bob, sold.ID, "REFUNDED")
	refunded := bob.readPayment(paid.Payment.ID, paid.Payment.Version+2)
	require.Equal(t, "REFUNDED", refunded.Status)
	require.Equal(t, paid.Payment.Amount.Amount, refunded.Refunded.Amount)
	requireRejected(t, alice.reserveSeats(id, bestSeats("Floor", 1)), "SALES_NOT_OPEN")
}

func TestSalesOpenAndCloseOnSchedule(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	now := s.clock.Now()
	id := requireAccepted(t, organizer.createEvent(vars{
		"salesOpenAt": now.Add(time.Hour).Format(time.RFC3339), "salesCloseAt": now.Add(2 * time.Hour).Format(time.RFC3339),
	})).Event.ID
	requireAccepted(t, organizer.addInventory(id, "Floor", "20.00", vars{"capacity": 10}))
	requireAccepted(t, organizer.eventAction("publishEvent", id))
	requireRejected(t, alice.reserveSeats(id, bestSeats("Floor", 1)), "SALES_NOT_OPEN")
	awaitEventStatus(t, alice, id, "PUBLISHED")
	s.clock.Move(time.Hour + time.Second)
	requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1)))
	awaitEventStatus(t, alice, id, "SALES_OPEN")
	s.clock.Move(time.Hour)
	requireRejected(t, alice.reserveSeats(id, bestSeats("Floor", 1)), "SALES_NOT_OPEN")
	awaitEventStatus(t, alice, id, "SALES_CLOSED")
}

func awaitEventStatus(t testing.TB, c *client, id, status string) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		e := c.readEvent(id)
		return e != nil && e.Status == status, fmt.Sprintf("event is %+v, not %s", e, status)
	})
}

func TestAFreeReservationNeedsNoGateway(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := requireAccepted(t, organizer.createEvent(nil)).Event.ID
	requireAccepted(t, organizer.addInventory(id, "Free", "0.00", vars{"capacity": 10}))
	requireAccepted(t, organizer.eventAction("publishEvent", id))
	requireAccepted(t, organizer.eventAction("openSales", id))
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Free", 2))).Reservation
	p := alice.executeMutation("processPayment", "ProcessPaymentInput", "payment { id } reservation { id status }",
		vars{"reservationId": r.ID, "idempotencyKey": newKey()})
	requireAccepted(t, p)
	require.Nil(t, p.Payment)
	require.Equal(t, "COMPLETED", p.Reservation.Status)
	awaitSections(t, alice, id, map[string][3]int{"Free": {8, 0, 2}})
}
