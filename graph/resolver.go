package graph

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/graph/apierror"
	"ticketing/graph/generated"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

// Resolver resolves the API's fields: each maps its input, makes one call, and maps the result. What belongs to one subject (events,
// payments, …) is in one file, beside the schema file of the same name.
type Resolver struct {
	commands    *command.Service
	reads       *query.Reader
	projections *query.Projections
	auth        *auth.Service
	log         eventstore.Reader
	limiter     *ratelimit.Limiter
	limits      RateLimits
	feeds       feeds
	consistency *consistency
	opensOrder  func(link, reservationID string) bool          // nil: no link opens an order
	signTicket  func(ticketID, eventID string) (string, error) // nil: tickets have no code
	admission   *admission
	seats       *seatLog
	logger      *slog.Logger
	refused     *prometheus.CounterVec // by limit
	metrics     *metrics
	usage       *usage
	heads       *heads

	queryTimeout, mutationTimeout time.Duration

	returnPages returnPages
}

type (
	queryResolver        struct{ *Resolver }
	mutationResolver     struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)

// checkRate counts one action of key. It returns RATE_LIMITED when that is too much.
func (r *Resolver) checkRate(ctx context.Context, name, key string, limit ratelimit.Limit) error {
	decision, err := r.limiter.Allow(ctx, name, key, limit, 1)
	if err != nil {
		return err
	}
	if !decision.Allowed {
		r.refused.WithLabelValues(name).Inc()
		return apierror.New(apierror.RateLimited, "too many requests; try again later").After(decision.RetryAfter)
	}
	return nil
}

// checkNetwork counts one action of the client's address, and of its network.
func (r *Resolver) checkNetwork(ctx context.Context, name string, limit ratelimit.Limit) error {
	ip := request.From(ctx).ClientIP
	if err := r.checkRate(ctx, name+"-ip", ratelimit.IPKey(ip), limit); err != nil {
		return err
	}
	return r.checkRate(ctx, name+"-network", ratelimit.NetworkKey(ip), limit.OfNetwork())
}

// newRefusedTotal returns the metric of checkRate.
func newRefusedTotal(registerer prometheus.Registerer) *prometheus.CounterVec {
	refused := promauto.With(registerer).NewCounterVec(prometheus.CounterOpts{
		Namespace: "ticketing", Subsystem: "graphql", Name: "refused_total", Help: "What a limit has refused, by the limit's name (docs/limits.md).",
	}, []string{"limit"})
	for _, limit := range []string{"reservations-ip", "reservations-network", "guests-ip", "guests-network", "guests-mutations"} {
		refused.WithLabelValues(limit) // so that they can be watched from the start
	}
	return refused
}

// Query implements generated.ResolverRoot.
func (r *Resolver) Query() generated.QueryResolver { return queryResolver{r} }

// Mutation implements generated.ResolverRoot.
func (r *Resolver) Mutation() generated.MutationResolver { return mutationResolver{r} }

// Subscription implements generated.ResolverRoot.
func (r *Resolver) Subscription() generated.SubscriptionResolver { return subscriptionResolver{r} }

// Event implements generated.ResolverRoot.
func (r *Resolver) Event() generated.EventResolver { return eventResolver{r} }

// Section implements generated.ResolverRoot.
func (r *Resolver) Section() generated.SectionResolver { return sectionResolver{r} }

// Reservation implements generated.ResolverRoot.
func (r *Resolver) Reservation() generated.ReservationResolver { return reservationResolver{r} }

// Ticket implements generated.ResolverRoot.
func (r *Resolver) Ticket() generated.TicketResolver { return ticketResolver{r} }

// Payment implements generated.ResolverRoot.
func (r *Resolver) Payment() generated.PaymentResolver { return paymentResolver{r} }

// Refund implements generated.ResolverRoot.
func (r *Resolver) Refund() generated.RefundResolver { return refundResolver{r} }

// User implements generated.ResolverRoot.
func (r *Resolver) User() generated.UserResolver { return userResolver{r} }

// Session implements generated.ResolverRoot.
func (r *Resolver) Session() generated.SessionResolver { return sessionResolver{r} }

// AccessLogEntry implements generated.ResolverRoot.
func (r *Resolver) AccessLogEntry() generated.AccessLogEntryResolver {
	return accessLogEntryResolver{r}
}

// SalesReport implements generated.ResolverRoot.
func (r *Resolver) SalesReport() generated.SalesReportResolver { return salesReportResolver{r} }

// SectionSales implements generated.ResolverRoot.
func (r *Resolver) SectionSales() generated.SectionSalesResolver { return sectionSalesResolver{r} }

// Customer implements generated.ResolverRoot.
func (r *Resolver) Customer() generated.CustomerResolver { return customerResolver{r} }

// CustomerHistoryEntry implements generated.ResolverRoot.
func (r *Resolver) CustomerHistoryEntry() generated.CustomerHistoryEntryResolver {
	return historyResolver{r}
}

// PartitionStatus implements generated.ResolverRoot.
func (r *Resolver) PartitionStatus() generated.PartitionStatusResolver {
	return partitionStatusResolver{r}
}
