package graph

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/command/eventstore"
	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/internal/overload"
	"ticketing/query"
)

// A consistency token is a position of the log at which a mutation's changes are there. A request that has one waits until the projections
// that it reads have applied the log up to there. Requests without a token pay nothing for it.
const (
	consistencyExtension = "consistencyToken"

	consistencyWait = 2 * time.Second       // as minVersion waits: longer than projectors normally lag, shorter than clients' patience
	consistencyPoll = 20 * time.Millisecond // between reads of the projections' progress, for all waiting requests of the process together
	tokenTimeout    = 500 * time.Millisecond
)

var (
	errTokenBehind    = apierror.New(apierror.ReadBehind, "what the Consistency-Token is for is not known here yet; try again")
	errTokenMalformed = apierror.New(apierror.BadUserInput, "the Consistency-Token is not one of this API")
)

// consistency knows how far the projections are. It is safe for concurrent use.
type consistency struct {
	projections *query.Projections
	reads       prometheus.Counter
	reading     chan struct{} // holds one token while the progress is read
	applied     query.Applied // guarded by reading, as is readAt
	readAt      time.Time
}

func newConsistency(projections *query.Projections, reads prometheus.Counter) *consistency {
	return &consistency{projections: projections, reads: reads, reading: make(chan struct{}, 1)}
}

// await waits until all the projections have applied the log up to the head. A head of another incarnation of the log is no more: what it
// was for is lost or restored, and there is nothing to wait for.
func (c *consistency) await(ctx context.Context, head eventstore.Head, projections map[string]bool) error {
	limited, cancel := context.WithTimeout(ctx, consistencyWait)
	defer cancel()
	defer overload.Wait(ctx)()
	for {
		reached, err := c.hasReached(limited, head, projections)
		if reached {
			return nil
		}
		if err != nil && limited.Err() == nil {
			return err
		}
		select {
		case <-time.After(consistencyPoll):
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errTokenBehind
		}
	}
}

func (c *consistency) hasReached(ctx context.Context, head eventstore.Head, projections map[string]bool) (bool, error) {
	select {
	case c.reading <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-c.reading }()
	if isApplied(c.applied, head, projections) {
		return true, nil
	}
	if time.Since(c.readAt) < consistencyPoll {
		return false, nil
	}
	c.reads.Inc()
	applied, err := c.projections.Applied(ctx)
	if err != nil {
		return false, err
	}
	c.applied, c.readAt = applied, time.Now()
	return applied.Incarnation != head.Incarnation || isApplied(applied, head, projections), nil
}

func isApplied(applied query.Applied, head eventstore.Head, projections map[string]bool) bool {
	if applied.Incarnation != head.Incarnation {
		return false
	}
	for name := range projections {
		if position, known := applied.Positions[name]; known && position < head.Position {
			return false
		}
	}
	return true
}

func encodeToken(head eventstore.Head) string {
	return head.Incarnation + "." + strconv.FormatInt(head.Position, 10)
}

func parseToken(token string) (eventstore.Head, error) {
	incarnation, position, ok := strings.Cut(token, ".")
	parsed, err := strconv.ParseInt(position, 10, 64)
	if !ok || err != nil || incarnation == "" || parsed < 0 {
		return eventstore.Head{}, errTokenMalformed
	}
	return eventstore.Head{Incarnation: incarnation, Position: parsed}, nil
}

// tokenOf returns the token that the request sent, as an extension of the operation or as a header; "" when it sent none.
func tokenOf(ctx context.Context, oc *graphql.OperationContext) (string, error) {
	extension, given := oc.Extensions[consistencyExtension]
	if !given || extension == nil {
		return request.From(ctx).ConsistencyToken, nil
	}
	token, ok := extension.(string)
	if !ok {
		return "", errTokenMalformed
	}
	return token, nil
}

// awaitToken waits until the operation sees what the token of the request is for.
func (r *Resolver) awaitToken(ctx context.Context, oc *graphql.OperationContext) error {
	token, err := tokenOf(ctx, oc)
	if token == "" || err != nil {
		return err
	}
	head, err := parseToken(token)
	if err != nil {
		return err
	}
	return r.consistency.await(ctx, head, projectionsOf(oc))
}

// addToken gives a mutation's response the token of what it has changed. Without one, when the log can't be read just now, clients read as
// before.
func (r *Resolver) addToken(ctx context.Context, response *graphql.Response) {
	if response == nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	head, err := r.heads.readAfter(limited)
	if err != nil {
		r.metrics.withoutToken.Inc()
		return
	}
	token := encodeToken(head)
	addExtension(response, consistencyExtension, token)
	if setHeader := request.From(ctx).SetHeader; setHeader != nil {
		setHeader(request.ConsistencyHeader, token)
	}
}

func refuseOperation(err error) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{publicError(err).Present()}}
}

// projectionsByType are the projections behind the schema's types. Types that are not listed come from elsewhere, or with one of these.
var projectionsByType = map[string][]string{
	"Event": {"events"}, "Section": {"availability"}, "Reservation": {"reservations"}, "Ticket": {"reservations"}, "Payment": {"payments"}, "Refund": {"payments"}, "Dispute": {"payments"},
	"SalesReport": {"sales"}, "SectionSales": {"sales"}, "Customer": {"customers"}, "CustomerHistoryEntry": {"customers"},
	"Node": {"events", "reservations", "payments"}, "_Entity": {"events", "reservations", "payments"},
}

// projectionsOf returns the projections that the operation reads.
func projectionsOf(oc *graphql.OperationContext) map[string]bool {
	f := finder{found: map[string]bool{}, seen: map[string]bool{}}
	f.addSelections(oc.Operation.SelectionSet)
	return f.found
}

type finder struct {
	found map[string]bool
	seen  map[string]bool // fragments
}

func (f finder) addSelections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			f.addField(s)
		case *ast.InlineFragment:
			f.addType(s.TypeCondition)
			f.addSelections(s.SelectionSet)
		case *ast.FragmentSpread:
			if !f.seen[s.Name] {
				f.seen[s.Name] = true
				f.addType(s.Definition.TypeCondition)
				f.addSelections(s.Definition.SelectionSet)
			}
		}
	}
}

func (f finder) addType(typeName string) {
	for _, name := range projectionsByType[typeName] {
		f.found[name] = true
	}
}

func (f finder) addField(s *ast.Field) {
	if s.Definition != nil {
		f.addType(strings.TrimSuffix(s.Definition.Type.Name(), "Connection"))
	}
	if s.Name == "inventoryVersion" {
		f.found["availability"] = true
	}
	f.addSelections(s.SelectionSet)
}
