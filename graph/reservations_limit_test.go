package graph_test

import (
	"fmt"
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
	for i := range 2 * ratelimit.AddressesOfNetwork { // 3 of them are counted already
		refused := i >= 2*ratelimit.AddressesOfNetwork-3
		require.Equal(t, refused, reserve(fmt.Sprintf("203.0.113.%d", 100+i)).code() == "RATE_LIMITED", "reservation %d of a network", i)
	}
	require.Empty(t, reserve("203.0.114.1").Errors, "of another network")
	require.Equal(t, map[string]float64{"reservations-ip": 1, "reservations-network": 3}, a.refusedByLimits())
	for range 3 {
		require.Empty(t, reserve("127.0.0.1").Errors, "this machine is not counted")
	}
}

// refusedByLimits returns how much each limit has refused.
func (a *api) refusedByLimits() map[string]float64 {
	a.t.Helper()
	families, err := a.metrics.Gather()
	require.NoError(a.t, err)
	refused := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "ticketing_graphql_refused_total" {
			for _, m := range f.GetMetric() {
				if n := m.GetCounter().GetValue(); n > 0 {
					refused[m.GetLabel()[0].GetValue()] = n
				}
			}
		}
	}
	return refused
}
