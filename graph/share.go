package graph

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/limits"
	"ticketing/graph/request"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
)

// sharedFields are the fields that have the same values for all who are neither organizers nor admins: once an event was published, all may
// see it for good. A subscription that selects only these is executed once for all of them. What is not listed here is executed for each viewer.
var sharedFields = map[string][]string{
	"Subscription": {"availability", "seatChanges"},
	"Event": {
		"id", "version", "inventoryVersion", "name", "description", "venue", "startsAt", "timeZone", "salesOpenAt", "salesCloseAt",
		"maxTicketsPerReservation", "maxTicketsPerCustomer", "status", "cancellationReason", "sections", "section",
	},
	"Section":        {"id", "name", "price", "capacity", "available", "reserved", "sold", "blocked", "seats", "seatMap"},
	"Money":          {"amount", "currencyCode"},
	"SeatMap":        {"version", "rows"},
	"SeatMapRow":     {"row", "labels", "states", "layout"},
	"RowLayout":      {"x", "y", "rotation"},
	"SeatChanges":    {"version", "changes", "reload"},
	"Seat":           {"section", "label", "status", "accessible", "restrictedView"},
	"SeatConnection": {"edges", "nodes", "pageInfo", "totalCount"},
	"SeatEdge":       {"cursor", "node"},
	"PageInfo":       {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"},
}

// Share implements transport.Host.
func (s *Server) Share(ctx context.Context, oc *graphql.OperationContext) (*transport.Shared, error) {
	viewer := viewerOf(ctx)
	own := viewer.HasRole(auth.RoleOrganizer) || viewer.HasRole(auth.RoleAdmin) || wantsOwn(request.From(ctx)) || len(oc.Extensions) > 0
	if own || oc.Operation.Operation != ast.Subscription || !areShared(oc.Operation.SelectionSet) {
		return nil, nil //nolint:nilnil // it is the viewer's own
	}
	root := graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Subscription"})
	shared := &transport.Shared{Changes: len(root) == 1 && root[0].Name == "seatChanges"}
	variables := oc.Variables
	if shared.Changes {
		since := sinceVersionOf(oc, root[0].Field)
		if since != nil && *since < 0 {
			return nil, nil //nolint:nilnil // it is refused when it is executed
		}
		shared.First, variables = firstPart(resumeAfter(ctx, since)), withoutVersion(oc, root[0].Field)
	}
	encoded, err := json.Marshal(variables)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // as above
	}
	if err := s.resolver.admission.chargeAhead(ctx, oc); err != nil {
		return nil, publicError(err)
	}
	s.resolver.usage.countOperation(ctx, oc.Operation)
	key := sha256.Sum256(slices.Concat([]byte(oc.RawQuery), []byte{0}, []byte(oc.OperationName), []byte{0}, encoded))
	shared.Key, shared.Client, shared.Cost = string(key[:]), s.resolver.admission.clientOf(ctx).key, limits.CostOf(oc).Requested
	return shared, nil
}

// wantsOwn reports whether a client asks for something that those who share an execution do not get.
func wantsOwn(info request.Info) bool { return info.WantsCost || info.ConsistencyToken != "" }

func sinceVersionOf(oc *graphql.OperationContext, field *ast.Field) *int {
	given := field.ArgumentMap(oc.Variables)["sinceVersion"]
	since, err := graphql.UnmarshalInt(given)
	if given == nil || err != nil {
		return nil
	}
	return &since
}

// withoutVersion returns the variables without that of sinceVersion, if it is for nothing else: clients that go on after other versions share
// all that comes later.
func withoutVersion(oc *graphql.OperationContext, field *ast.Field) map[string]any {
	since := field.Arguments.ForName("sinceVersion")
	if since == nil || since.Value.Kind != ast.Variable || strings.Count(oc.RawQuery, "$"+since.Value.Raw) != 2 { // declared, and used once
		return oc.Variables
	}
	variables := maps.Clone(oc.Variables)
	delete(variables, since.Value.Raw)
	return variables
}

// areShared reports whether all fields of a validated selection are listed in sharedFields.
func areShared(set ast.SelectionSet) bool {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			listed := s.Name == "__typename" || s.ObjectDefinition != nil && slices.Contains(sharedFields[s.ObjectDefinition.Name], s.Name)
			if !listed || !areShared(s.SelectionSet) {
				return false
			}
		case *ast.InlineFragment:
			if !areShared(s.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if !areShared(s.Definition.SelectionSet) {
				return false
			}
		}
	}
	return true
}

// ChargeShared implements transport.Host.
func (s *Server) ChargeShared(ctx context.Context, cost, length int) time.Duration {
	c := s.resolver.admission.clientOf(ctx)
	c.meter.Charge(c.key, 1+max(cost, length/bytesOfValue))
	return c.meter.Take(c.key, 0).Wait
}
