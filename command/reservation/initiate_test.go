package reservation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var initiate = Initiate{EventID: "evt_1", CustomerID: "usr_alice", Seats: twoSeats, Total: total, PaymentAttempts: 3, Hold: hold}

func TestInitiateHoldsTheSeatsForAWhile(t *testing.T) {
	s := Given(t).When(initiate).Then(initiated).State()
	require.Equal(t, State{
		Status: SeatsReserved, EventID: "evt_1", CustomerID: "usr_alice", Seats: twoSeats, Total: total, AttemptsLeft: 3,
		CreatedAt: now, ExpiresAt: expiresAt,
	}, s)
	require.True(t, s.Holding())
}

func TestAReservationIsInitiatedOnce(t *testing.T) {
	Given(t, initiated).When(initiate).ThenRejected(rejection.InvalidState)
	Given(t, initiated, cancelled).When(initiate).ThenRejected(rejection.InvalidState)
}

func TestInitiateNeedsSeats(t *testing.T) {
	c := initiate
	c.Seats = nil
	Given(t).When(c).ThenRejected(rejection.Invalid, "items")
}

func TestAReservationThatDoesNotExistIsNotFound(t *testing.T) {
	for _, c := range []Command{RequestPayment{}, FailPayment{}, Complete{}, Complete{PaymentID: "pay_1"}, Cancel{}, Expire{}, Refund{}} {
		Given(t).When(c).ThenRejected(rejection.NotFound, "reservationId")
	}
}

func TestStatusIsThatOfTheAPI(t *testing.T) {
	require.Equal(t, []Status{"SEATS_RESERVED", "PAYMENT_PENDING", "COMPLETED", "EXPIRED", "CANCELLED", "COMPENSATED", "REFUNDED"},
		[]Status{SeatsReserved, PaymentPending, Completed, Expired, Cancelled, Compensated, Refunded})
	require.False(t, State{}.Exists())
}

func TestStreamIsNamedAfterTheReservation(t *testing.T) {
	require.Equal(t, "reservation-rsv_1", Stream("rsv_1"))
}
