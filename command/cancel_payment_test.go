package command_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/gateway"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

// faultyGateway is the sandbox, until a test says what becomes of a Confirm.
type faultyGateway struct {
	gateway.Gateway

	confirm atomic.Pointer[error]
	before  func() // called before the next Create returns
	charged func() // called before the next Confirm returns
}

func (f *faultyGateway) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if err := f.confirm.Load(); err != nil {
		return gateway.Result{}, *err
	}
	result, err := f.Gateway.Confirm(ctx, p)
	if f.charged != nil {
		f.charged()
		f.charged = nil
	}
	return result, err
}

func (f *faultyGateway) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	result, err := f.Gateway.Create(ctx, p)
	if f.before != nil {
		f.before()
		f.before = nil
	}
	return result, err
}

func newFaulty(t *testing.T) (*commandtest.System, *faultyGateway) {
	t.Helper()
	url := testenv.EventsDatabase(t)
	g := &faultyGateway{Gateway: sandbox.New(testenv.OpenPool(t, url))}
	return commandtest.New(t, commandtest.Config{Database: url, Gateway: g}), g
}

func requireRejection(t *testing.T, code rejection.Code, err error) {
	t.Helper()
	rejected, ok := rejection.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, rejected.Code)
}

// A process that dies between creating and confirming a payment leaves it undecided; the saga finds that out.
func TestTheKeyIsFreeAgainWhenAnotherProcessFindsThatNothingWasCharged(t *testing.T) {
	t.Parallel()
	s, g := newFaulty(t)
	alice := commandtest.User("usr_alice")
	r := s.Reserve(t, alice, s.OnSale(t, event.Create{}), commandtest.Tickets("Floor", 1))
	lost := errors.New("the process died")
	g.confirm.Store(&lost)
	alice.IdempotencyKey = "one"
	pay := func() (command.Paid, error) {
		return s.ProcessPayment(t.Context(), alice, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_visa"})
	}
	begun, err := pay()
	require.NoError(t, err)
	require.Equal(t, payment.Processing, begun.Payment.Status)
	again, err := pay()
	require.NoError(t, err)
	require.Equal(t, begun.Payment.ID, again.Payment.ID, "it may still be charged")

	g.confirm.Store(nil)
	require.NoError(t, s.ReconcilePayment(t.Context(), commandtest.Part("saga"), begun.Payment.ID))
	paid, err := pay()
	require.NoError(t, err)
	require.NotEqual(t, begun.Payment.ID, paid.Payment.ID)
	require.Equal(t, payment.Completed, paid.Payment.Status)
	replayed, err := pay()
	require.NoError(t, err)
	require.Equal(t, paid.Payment.ID, replayed.Payment.ID)
}

func TestAnOutageWhileConfirmingDoesNotUseUpTheKey(t *testing.T) {
	t.Parallel()
	s, g := newFaulty(t)
	alice := commandtest.User("usr_alice")
	r := s.Reserve(t, alice, s.OnSale(t, event.Create{}), commandtest.Tickets("Floor", 1))
	waiting := s.Pay(t, alice, r.ID, "pm_card_authenticationRequired")
	alice.IdempotencyKey = "one"
	g.confirm.Store(&gateway.ErrUnavailable)
	paid, err := s.ConfirmPayment(t.Context(), alice, waiting.ID)
	requireRejection(t, rejection.GatewayUnavailable, err)
	require.Equal(t, payment.RequiresAction, paid.Payment.Status)
	g.confirm.Store(nil)
	paid, err = s.ConfirmPayment(t.Context(), alice, waiting.ID)
	require.NoError(t, err)
	require.Equal(t, payment.Completed, paid.Payment.Status)
}

func TestAPaymentOfWhatNoLongerWaitsForItIsNotConfirmed(t *testing.T) {
	t.Parallel()
	s, g := newFaulty(t)
	alice := commandtest.User("usr_alice")
	eventID := s.OnSale(t, event.Create{})
	r := s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 1))
	g.before = func() {
		_, err := s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "rain")
		require.NoError(t, err)
	}
	paid, err := s.ProcessPayment(t.Context(), alice, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_visa"})
	requireRejection(t, rejection.PaymentDeclined, err)
	require.Equal(t, payment.Abandoned, paid.Payment.FailureCode)
	require.Equal(t, reservation.Cancelled, paid.Reservation.Status)
	require.NotContains(t, s.History(t, payment.Stream(paid.Payment.ID)), "PaymentCompleted")
}

// The gateway would refuse to confirm it, which is no reason to try.
func TestAPaymentThatWasGivenUpMeanwhileIsNotConfirmed(t *testing.T) {
	t.Parallel()
	s, g := newFaulty(t)
	alice := commandtest.User("usr_alice")
	r := s.Reserve(t, alice, s.OnSale(t, event.Create{}), commandtest.Tickets("Floor", 1))
	g.before = func() {
		var stream string
		require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT stream_id FROM domain_events WHERE type = 'PaymentInitiated'`).Scan(&stream))
		_, paymentID := eventstore.SplitStreamID(stream)
		require.NoError(t, s.ReconcilePayment(t.Context(), commandtest.Part("saga"), paymentID))
	}
	g.charged = func() { require.Fail(t, "it was confirmed") }
	paid, err := s.ProcessPayment(t.Context(), alice, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_visa"})
	requireRejection(t, rejection.GatewayUnavailable, err)
	require.Equal(t, payment.Failed, paid.Payment.Status)
}

// What is charged at the very moment of the cancellation is given back, and the answer says so.
func TestAPaymentThatIsChargedWhileItsEventIsCancelledIsNoSuccess(t *testing.T) {
	t.Parallel()
	s, g := newFaulty(t)
	alice := commandtest.User("usr_alice")
	eventID := s.OnSale(t, event.Create{})
	r := s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 1))
	g.charged = func() {
		_, err := s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "rain")
		require.NoError(t, err)
	}
	paid, err := s.ProcessPayment(t.Context(), alice, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_visa"})
	requireRejection(t, rejection.InvalidState, err)
	require.Equal(t, payment.Completed, paid.Payment.Status)
	require.Equal(t, reservation.Cancelled, paid.Reservation.Status)
	require.Len(t, paid.Payment.Refunds, 1)
}

func TestOnlyAPaymentThatWaitsForItsCustomerIsCancelled(t *testing.T) {
	t.Parallel()
	s, g := newFaulty(t)
	alice := commandtest.User("usr_alice")
	eventID := s.OnSale(t, event.Create{})
	r := s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 1))
	waiting := s.Pay(t, alice, r.ID, "pm_card_authenticationRequired")
	_, err := s.CancelPayment(t.Context(), commandtest.User("usr_bob"), waiting.ID)
	requireRejection(t, rejection.Forbidden, err)
	alice.IdempotencyKey = "one"
	for range 2 {
		given, err := s.CancelPayment(t.Context(), alice, waiting.ID)
		require.NoError(t, err)
		require.Equal(t, payment.Abandoned, given.Payment.FailureCode)
		require.Equal(t, reservation.SeatsReserved, given.Reservation.Status)
	}
	alice.IdempotencyKey = ""
	done := s.Pay(t, alice, r.ID, "pm_card_visa")
	_, err = s.CancelPayment(t.Context(), alice, done.ID)
	requireRejection(t, rejection.InvalidState, err)

	other := s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 1))
	lost := errors.New("timeout")
	g.confirm.Store(&lost)
	processing := s.Pay(t, alice, other.ID, "pm_card_visa")
	_, err = s.CancelPayment(t.Context(), alice, processing.ID)
	requireRejection(t, rejection.PaymentInProgress, err)
}
