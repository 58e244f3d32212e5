package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/query"
)

// Who may call a root field stands in the schema, as @auth; who may see a single object stands below. There is no other place.

var (
	errSignIn    = apierror.New(apierror.Unauthenticated, "sign in first")
	errForbidden = apierror.New(apierror.Forbidden, "this is not yours to see")
)

// authorize is @auth. It also counts what a signed-in user changes: root fields, not requests.
func (r *Resolver) authorize(ctx context.Context, _ any, next graphql.Resolver, rule model.AuthRule) (any, error) {
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
		if err := r.allow(ctx, "mutations", viewer.UserID, r.limits.Mutations); err != nil {
			return nil, err
		}
	}
	return next(ctx)
}

// unauthorizedFields answers the root fields of a schema that do not say who may call them.
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

// isViewer says whether the request is the user's own, or an admin's.
func isViewer(ctx context.Context, userID string) bool {
	viewer, signedIn := auth.FromContext(ctx)
	return signedIn && (viewer.UserID == userID || viewer.HasRole(auth.RoleAdmin))
}

// organizes says whether the viewer runs the event, or is an admin. Who lost the role of an organizer runs none.
func organizes(ctx context.Context, e query.Event) bool {
	viewer, _ := auth.FromContext(ctx)
	return viewer.HasRole(auth.RoleAdmin) || viewer.HasRole(auth.RoleOrganizer) && viewer.UserID == e.OrganizerID
}

// seesEvent says whether the viewer may know of the event: a draft is its organizer's.
func seesEvent(ctx context.Context, e query.Event) bool {
	return e.Status != "DRAFT" || organizes(ctx, e)
}

// seesSale answers FORBIDDEN unless the viewer is the customer, the event's organizer or an admin.
func seesSale(ctx context.Context, customerID, eventID string) error {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return errSignIn
	}
	if viewer.UserID == customerID || viewer.HasRole(auth.RoleAdmin) {
		return nil
	}
	e, err := loadersOf(ctx).events.load(ctx, eventID)
	if err == nil && (e == nil || !organizes(ctx, *e)) {
		err = errForbidden
	}
	return err
}

// seesSalesOf answers FORBIDDEN unless the viewer is the event's organizer or an admin.
func seesSalesOf(ctx context.Context, e query.Event) error {
	_, signedIn := auth.FromContext(ctx)
	switch {
	case !signedIn:
		return errSignIn
	case !organizes(ctx, e):
		return errForbidden
	}
	return nil
}
