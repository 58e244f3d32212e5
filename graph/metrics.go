package graph

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command/rejection"
	"ticketing/graph/model"
)

// metrics count what the API's limits, and the rules behind it, have refused.
type metrics struct {
	userErrors    *prometheus.CounterVec // by code
	withoutToken  prometheus.Counter
	progressReads prometheus.Counter
	seatsSkipped  prometheus.Counter
}

// newMetrics does not register the metrics if registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	m := &metrics{
		userErrors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ticketing_graphql_user_errors_total", Help: "userErrors of mutations, by code.",
		}, []string{"code"}),
		withoutToken: f.NewCounter(prometheus.CounterOpts{
			Name: "ticketing_graphql_without_token_total", Help: "Mutations whose response has no consistency token, since the log was not read in time.",
		}),
		progressReads: f.NewCounter(prometheus.CounterOpts{
			Name: "ticketing_graphql_progress_reads_total", Help: "Reads of how far the projections are, for operations with a consistency token.",
		}),
		seatsSkipped: f.NewCounter(prometheus.CounterOpts{
			Name: "ticketing_graphql_seat_changes_skipped_total",
			Help: "Times that the log did not say in time which seats of an event changed, so that clients read all of them again.",
		}),
	}
	for _, code := range []rejection.Code{rejection.Invalid, rejection.LimitExceeded} { // so that they can be watched from the start
		m.userErrors.WithLabelValues(string(code))
	}
	return m
}

func (m *metrics) countErrors(errs []*model.UserError) {
	for _, err := range errs {
		m.userErrors.WithLabelValues(err.Code).Inc()
	}
}
