package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/testenv"
)

func TestBreakerOpensAfterFiveFailuresInARow(t *testing.T) {
	b := newBreaker(newMetrics(nil))
	fail, calls := errors.New("connection refused"), 0
	try := func(err error) error {
		return b.guard(t.Context(), func() error { calls++; return err })
	}
	for range breakerFailures - 1 {
		require.ErrorIs(t, try(fail), fail)
	}
	require.NoError(t, try(nil))
	for range breakerFailures {
		require.ErrorIs(t, try(fail), fail)
	}
	require.Error(t, try(nil))
	require.Equal(t, 2*breakerFailures, calls, "an open breaker lets nothing through")
}

func TestBreakerCountsNoFailuresOfARelayThatShutsDown(t *testing.T) {
	b := newBreaker(newMetrics(nil))
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 2 * breakerFailures {
		require.ErrorIs(t, b.guard(gone, func() error { return gone.Err() }), context.Canceled)
	}
}

func TestBreakerOpensWhileTheBrokerIsAwayAndClosesAfterwards(t *testing.T) {
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	var away atomic.Bool
	away.Store(true)
	w.cfg.Registerer = registry
	w.cfg.Kafka = append(w.cfg.Kafka, kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		if away.Load() {
			return nil, errors.New("the broker is away")
		}
		return (&net.Dialer{}).DialContext(ctx, network, host)
	}))
	w.log.Append(t, "event-evt_1", created("a"))
	w.start()
	awaitBreaker(t, registry, 1)
	away.Store(false)
	w.requirePublished(map[string]int{"event-evt_1": 1})
	awaitBreaker(t, registry, 0)
}

func awaitBreaker(t *testing.T, registry *prometheus.Registry, want float64) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		families, err := registry.Gather()
		require.NoError(t, err)
		got := -1.
		for _, family := range families {
			if family.GetName() == "ticketing_relay_breaker_open" {
				got = family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return got == want, fmt.Sprintf("the breaker is at %v", got)
	})
}
