package saga

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"ticketing/command/payment"
)

func TestMetricsTellWhatIsDueRetriedFailedAndBehind(t *testing.T) {
	pool, m := newPool(t), newMetrics(nil)
	mustRecord(t, pool, start, holds(3, in(time.Minute))...)
	mustRecord(t, pool, start, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}})
	mustFollow(t, newTestFollower(pool), 4)
	mustRecord(t, pool, start, holds(2, start)...)

	refunds := claims{pool: pool, kind: Refund, lease: time.Minute}
	taken, err := refunds.take(t.Context(), start, 1)
	check(t, err)
	check(t, refunds.settle(t.Context(), []result{
		{claim: taken[0], nextAt: in(time.Hour), attempts: mostAttempts, failed: true, lastError: "down"},
	}))
	check(t, m.sample(t.Context(), pool, in(2*time.Minute)))
	for name, test := range map[string]struct{ got, want float64 }{
		"holds due":           {value(t, m.due.WithLabelValues("hold")), 3},
		"oldest hold overdue": {value(t, m.overdue.WithLabelValues("hold")), 60},
		"refunds due":         {value(t, m.due.WithLabelValues("refund")), 0},
		"refunds retried":     {value(t, m.retried.WithLabelValues("refund")), 1},
		"refunds failed":      {value(t, m.failed.WithLabelValues("refund")), 1},
		"oldest refund":       {value(t, m.overdue.WithLabelValues("refund")), 120},
		"payments overdue":    {value(t, m.overdue.WithLabelValues("payment")), 0},
		"lag":                 {value(t, m.lag), 2},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

func value(t *testing.T, gauge prometheus.Gauge) float64 {
	t.Helper()
	var written dto.Metric
	check(t, gauge.Write(&written))
	return written.GetGauge().GetValue()
}
