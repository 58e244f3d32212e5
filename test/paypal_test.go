package test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPurchaseWithPayPal(t *testing.T) {
	t.Parallel()
	s := start(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	bought, left := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation, requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation

	paying := key()
	for range 2 { // a retry is sent to the same page
		begun := requireOK(t, alice.payWithPayPal(paying, bought.ID))
		require.Equal(t, "REQUIRES_ACTION", begun.Payment.Status)
		require.Equal(t, "PAYMENT_PENDING", begun.Reservation.Status)
		require.Nil(t, begun.Payment.NextAction.ClientSecret)
		require.Equal(t, "http://localhost/paid", *begun.Payment.NextAction.RedirectURL, "the sandbox has no page of its own")
	}
	requireRejected(t, alice.payWithPayPal(key(), bought.ID), "PAYMENT_IN_PROGRESS")
	paid := requireOK(t, alice.confirm(requireOK(t, alice.payWithPayPal(paying, bought.ID)).Payment.ID))
	require.Equal(t, "COMPLETED", paid.Payment.Status)
	require.Equal(t, "COMPLETED", paid.Reservation.Status)

	never := requireOK(t, alice.payWithPayPal(key(), left.ID)).Payment
	s.clock.advance(2*hold + time.Second)
	awaitStatus(t, alice, left.ID, "EXPIRED")
	require.Equal(t, "FAILED", alice.payment(never.ID, 0).Status, "nobody approved it in time")
}
