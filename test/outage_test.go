package test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestRetriesGetTheOneOutcomeAlthoughRedisWasLost(t *testing.T) {
	t.Parallel()
	server := testenv.RedisServer(t)
	env := environment(t)
	env["REDIS_URL"] = server.URL()
	s := startIn(t, env)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	reserving, refused, paying := key(), key(), key()
	reserve := func() payload { return alice.reserveWithKey(reserving, id, item("Floor", 2)) }
	first := requireOK(t, reserve()).Reservation
	requireRejected(t, alice.reserveWithKey(refused, id, item("Floor", 11)), "LIMIT_EXCEEDED")
	paid := requireOK(t, alice.payWithKey(paying, first.ID, "pm_card_visa")).Payment
	require.Equal(t, first.ID, requireOK(t, reserve()).Reservation.ID)

	server.Kill()
	require.Equal(t, "UNAVAILABLE", alice.refused(`mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } } }`,
		vars{"i": vars{"eventId": id, "items": []vars{item("Floor", 2)}, "idempotencyKey": reserving}}), "nobody can be told from anybody")
	server.Wipe()
	server.Start()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		errs := alice.send(`mutation { requestMagicLink(input: {email: "alice@example.com"}) { token } }`, nil, nil)
		return len(errs) == 0 || errs[0].code() != "UNAVAILABLE", "Redis is not used again"
	})
	back := signIn(t, s.url, "alice@example.com")
	require.Equal(t, alice.id, back.id)
	alice.token = back.token

	before := s.logLength()
	require.Equal(t, first.ID, requireOK(t, reserve()).Reservation.ID)
	requireRejected(t, alice.reserveWithKey(refused, id, item("Floor", 11)), "LIMIT_EXCEEDED")
	requireRejected(t, alice.reserveWithKey(reserving, id, item("Floor", 3)), "IDEMPOTENCY_KEY_REUSED")
	require.Equal(t, paid.ID, requireOK(t, alice.payWithKey(paying, first.ID, "pm_card_visa")).Payment.ID)
	require.Equal(t, before, s.logLength(), "nothing was done twice")
}
