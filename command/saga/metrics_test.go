package saga

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/payment"
)

func TestMetricsShowWhatIsDueRetriedFailedAndBehind(t *testing.T) {
	pool, c := newTimedPool(t)
	m := newMetrics(nil)
	mustRecord(t, pool, start, holds(3, in(time.Minute))...)
	mustRecord(t, pool, start, fact{"event-evt", event.EventCreated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(0)}}, fact{"event-evt", event.EventPublished{}})
	mustRecord(t, pool, start, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}}, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd2"}})
	mustFollow(t, newTestFollower(t, pool), 7)
	mustRecord(t, pool, start, holds(2, start)...)

	openings := deadlineTable{pool: pool, kind: SalesOpen, lease: time.Minute}
	taken, err := openings.claimDue(t.Context(), 1)
	require.NoError(t, err)
	require.NoError(t, openings.recordResults(t.Context(), []claimResult{
		{claim: taken[0], pause: time.Hour, attempts: mostAttempts, failed: true, lastError: "down"},
	}))
	_, err = pool.Exec(t.Context(), `UPDATE river_job SET state = 'retryable', scheduled_at = $1, errors = array_fill('{"error": "down"}'::jsonb, ARRAY[$2::int])
		WHERE args->>'refund_id' = 'rfd'`, in(time.Hour), mostAttempts)
	require.NoError(t, err)
	c.Move(2 * time.Minute)
	require.NoError(t, m.sampleAll(t.Context(), pool))
	for name, test := range map[string]struct{ got, want float64 }{
		"holds":               {value(t, m.holds), 3},
		"holds due":           {value(t, m.due.WithLabelValues("hold")), 3},
		"oldest hold overdue": {value(t, m.overdue.WithLabelValues("hold")), 60},
		"openings due":        {value(t, m.due.WithLabelValues("sales_open")), 0},
		"openings retried":    {value(t, m.retried.WithLabelValues("sales_open")), 1},
		"openings failed":     {value(t, m.failed.WithLabelValues("sales_open")), 1},
		"oldest opening":      {value(t, m.overdue.WithLabelValues("sales_open")), 120},
		"refunds due":         {value(t, m.jobsDue.WithLabelValues("refund")), 1},
		"refunds retried":     {value(t, m.jobsRetried.WithLabelValues("refund")), 1},
		"refunds failed":      {value(t, m.jobsFailed.WithLabelValues("refund")), 1},
		"oldest refund":       {value(t, m.oldestJob.WithLabelValues("refund")), 120},
		"mails due":           {value(t, m.jobsDue.WithLabelValues("mail")), 0},
		"lag":                 {value(t, m.lag), 2},
	} {
		require.InDelta(t, test.want, test.got, 0, name)
	}
}

func value(t *testing.T, gauge prometheus.Gauge) float64 {
	t.Helper()
	var written dto.Metric
	require.NoError(t, gauge.Write(&written))
	return written.GetGauge().GetValue()
}
