package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

// Who may call a root field is declared in the schema, as @auth; who may see a single object is decided below. There is no other place.

// authorizeField implements @auth. It also counts the mutations of a signed-in user: root fields, not requests.
func (r *Resolver) authorizeField(ctx context.Context, _ any, next graphql.Resolver, rule model.AuthRule) (any, error) {
	viewer, signedIn := auth.FromContext(ctx)
	if rule != model.AuthRulePublic && !signedIn {
		return nil, errSignIn
	}
	switch admin := viewer.HasRole(auth.RoleAdmin); {
	case rule == model.AuthRuleOrganizer && !admin && !viewer.HasRole(auth.RoleOrganizer):
		return nil, apierror.New(apierror.Forbidden, "only organizers may do this")
	case rule == model.AuthRuleAdmin && !admin:
		return nil, apierror.New(apierror.Forbidden, "only admins may do this")
	}
	if signedIn && graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		if err := r.countMutation(ctx, viewer); err != nil {
			return nil, err
		}
	}
	return next(ctx)
}

// countMutation counts a mutation of its viewer. An address has as many guests as it likes, so those of one address are counted together, too.
func (r *Resolver) countMutation(ctx context.Context, viewer auth.Principal) error {
	if err := r.checkRate(ctx, "mutations", viewer.UserID, r.limits.Mutations); err != nil || !viewer.Guest {
		return err
	}
	return r.checkRate(ctx, "guests-mutations", ratelimit.IPKey(request.From(ctx).ClientIP), r.limits.Mutations.OfNetwork())
}

// unauthorizedFields returns the root fields of a schema that do not declare who may call them.
func unauthorizedFields(schema *ast.Schema) []string {
	var fields []string
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if !strings.HasPrefix(field.Name, "__") && field.Directives.ForName("auth") == nil {
				fields = append(fields, root.Name+"."+field.Name)
			}
		}
	}
	return fields
}

// isSelfOrAdmin reports whether the viewer is the user, or an admin.
func isSelfOrAdmin(ctx context.Context, userID string) bool {
	viewer, signedIn := auth.FromContext(ctx)
	return signedIn && (viewer.Is(userID) || viewer.HasRole(auth.RoleAdmin))
}

// isOrganizerOf reports whether the viewer organizes the event, or is an admin. An organizer who lost the role organizes nothing.
func isOrganizerOf(ctx context.Context, e query.Event) bool {
	viewer, _ := auth.FromContext(ctx)
	return viewer.HasRole(auth.RoleAdmin) || viewer.HasRole(auth.RoleOrganizer) && viewer.UserID == e.OrganizerID
}

// canSeeEvent reports whether the viewer may know of the event: what was never published is visible to its organizer only, and a deleted
// draft to no viewer.
func canSeeEvent(ctx context.Context, e query.Event) bool {
	isPublic := e.Status != "DRAFT" && !e.Withdrawn
	return !e.Deleted && (isPublic || isOrganizerOf(ctx, e))
}

// canSeeUser reports whether the viewer may see the user's address, roles, lists and sessions.
func canSeeUser(ctx context.Context, u *model.User) bool {
	return u.IsViewer || isSelfOrAdmin(ctx, u.ID)
}

// requireParticipant returns FORBIDDEN unless the viewer is the customer, the event's organizer or an admin.
func requireParticipant(ctx context.Context, customerID, eventID string) error {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return errSignIn
	}
	if viewer.Is(customerID) || viewer.HasRole(auth.RoleAdmin) {
		return nil
	}
	e, err := loadersOf(ctx).events.Load(ctx, eventID)
	if err == nil && (e == nil || !isOrganizerOf(ctx, *e)) {
		err = errForbidden
	}
	return err
}

// requireOrganizer returns FORBIDDEN unless the viewer is the event's organizer or an admin.
func requireOrganizer(ctx context.Context, e query.Event) error {
	_, signedIn := auth.FromContext(ctx)
	switch {
	case !signedIn:
		return errSignIn
	case !isOrganizerOf(ctx, e):
		return errForbidden
	}
	return nil
}
