package test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestRetriesGetTheFirstOutcomeAfterRedisWasLost(t *testing.T) {
	t.Parallel()
	server := testenv.RedisServer(t)
	env := newEnvironment(t)
	env["REDIS_URL"] = server.URL()
	s := startSystemIn(t, env)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	reserving, refused, paying := newKey(), newKey(), newKey()
	reserve := func() payload { return alice.reserveSeatsWithKey(reserving, id, bestSeats("Floor", 2)) }
	first := requireAccepted(t, reserve()).Reservation
	requireRejected(t, alice.reserveSeatsWithKey(refused, id, bestSeats("Floor", 11)), "LIMIT_EXCEEDED")
	paid := requireAccepted(t, alice.payByCardWithKey(paying, first.ID, "pm_card_visa")).Payment
	require.Equal(t, first.ID, requireAccepted(t, reserve()).Reservation.ID)

	server.Kill()
	require.Equal(t, "UNAVAILABLE", alice.requireError(`mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } } }`,
		vars{"i": vars{"eventId": id, "items": []vars{bestSeats("Floor", 2)}, "idempotencyKey": reserving}}), "without Redis sessions cannot be checked")
	server.Wipe()
	server.Start()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		errs := alice.execute(`mutation { requestMagicLink(input: {email: "alice@example.com"}) { token } }`, nil, nil)
		return len(errs) == 0 || errs[0].code() != "UNAVAILABLE", "Redis is not used again"
	})
	back := signIn(t, s.url, "alice@example.com")
	require.Equal(t, alice.id, back.id)
	alice.token = back.token

	before := s.logLength()
	require.Equal(t, first.ID, requireAccepted(t, reserve()).Reservation.ID)
	requireRejected(t, alice.reserveSeatsWithKey(refused, id, bestSeats("Floor", 11)), "LIMIT_EXCEEDED")
	requireRejected(t, alice.reserveSeatsWithKey(reserving, id, bestSeats("Floor", 3)), "IDEMPOTENCY_KEY_REUSED")
	require.Equal(t, paid.ID, requireAccepted(t, alice.payByCardWithKey(paying, first.ID, "pm_card_visa")).Payment.ID)
	require.Equal(t, before, s.logLength(), "nothing was done twice")
}
