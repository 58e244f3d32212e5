package graph_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/ratelimit"
)

func TestReservationsAreBoundedByAddress(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *graph.Config) {
		c.RateLimits.Reservations = ratelimit.Reservations(2)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	eventID := a.openSales(a.as(newUser(), auth.RoleOrganizer))
	reserve := func(address string) response {
		t.Helper()
		return a.do(reserveMutation, vars{"e": eventID, "k": id.New("key")}, append(a.as(newUser()), "X-Forwarded-For", address)...)
	}
	for range 2 {
		require.Empty(t, reserve("203.0.113.5").Errors)
	}
	require.Equal(t, "RATE_LIMITED", reserve("203.0.113.5").code(), "all callers from there")
	require.Empty(t, reserve("203.0.113.6").Errors)
	for range 3 {
		require.Empty(t, reserve("127.0.0.1").Errors, "this machine is not counted")
	}
}
