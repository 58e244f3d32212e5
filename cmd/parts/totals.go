package parts

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/internal/wait"
	"ticketing/query"
)

// totalsEvery is how often the whole platform is summed up: it reads a row for each section on sale.
const totalsEvery = 10 * time.Second

// watchTotals keeps metrics of the whole platform until ctx ends: of seats where the process keeps the projection of their counts, and of payments
// where it keeps theirs. Replicas show the same.
func watchTotals(ctx context.Context, totals *query.Totals, names []string, registerer prometheus.Registerer) {
	keeps := func(projection string) bool { return len(names) == 0 || slices.Contains(names, projection) }
	f := promauto.With(registerer)
	var samples []func() error
	if keeps("availability") {
		samples = append(samples, sampleSeats(ctx, totals, f))
	}
	if keeps("payments") {
		samples = append(samples, samplePayments(ctx, totals, f))
	}
	for ctx.Err() == nil {
		for _, sample := range samples {
			_ = sample() // the health check shows that the database is away
		}
		_ = wait.For(ctx, totalsEvery)
	}
}

func sampleSeats(ctx context.Context, totals *query.Totals, f promauto.Factory) func() error {
	gauge := f.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "ticketing", Name: "seats", Help: "Seats of all events whose sales are open, by state.",
	}, []string{"state"})
	return func() error {
		seats, err := totals.SeatsOnSale(ctx)
		for state, n := range seats {
			gauge.WithLabelValues(state).Set(float64(n))
		}
		return err
	}
}

func samplePayments(ctx context.Context, totals *query.Totals, f promauto.Factory) func() error {
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Namespace: "ticketing", Name: name, Help: help})
	}
	count := gauge("payments_undecided", "Payments that may still be completed or fail.")
	oldest := gauge("payments_oldest_undecided_seconds", "The age of the oldest of them.")
	return func() error {
		payments, seconds, err := totals.UndecidedPayments(ctx)
		if err == nil {
			count.Set(float64(payments))
			oldest.Set(seconds)
		}
		return err
	}
}
