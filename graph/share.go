package graph

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
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
	own := viewer.HasRole(auth.RoleOrganizer) || viewer.HasRole(auth.RoleAdmin) || request.From(ctx).WantsCost || len(oc.Extensions) > 0
	if own || oc.Operation.Operation != ast.Subscription || !areShared(oc.Operation.SelectionSet) {
		return nil, nil //nolint:nilnil // it is the viewer's own
	}
	variables, err := json.Marshal(oc.Variables)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // as above
	}
	if err := s.resolver.admission.chargeAhead(ctx, oc); err != nil {
		return nil, publicError(err)
	}
	key, client := sha256.Sum256(slices.Concat([]byte(oc.RawQuery), []byte{0}, []byte(oc.OperationName), []byte{0}, variables)), s.resolver.admission.clientOf(ctx)
	root := graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Subscription"})
	return &transport.Shared{
		Key: string(key[:]), Client: client.key, Cost: limits.CostOf(oc).Requested, Changes: len(root) == 1 && root[0].Name == "seatChanges",
	}, nil
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
