package graph

import (
	"context"
	"errors"

	"ticketing/command/rejection"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
)

// EraseCustomer implements generated.MutationResolver.
func (r mutationResolver) EraseCustomer(ctx context.Context, in model.EraseCustomerInput) (*model.UserPayload, error) {
	if !isViewer(ctx, in.UserID) {
		return nil, errForbidden
	}
	return r.changeUser(ctx, in.UserID, func(actorID string) error {
		err := r.people.EraseUser(ctx, actorID, in.UserID)
		if errors.Is(err, auth.ErrUserNotFound) {
			return nil // erased before, or never there: the answer tells which
		}
		return err
	})
}

// GrantRole implements generated.MutationResolver.
func (r mutationResolver) GrantRole(ctx context.Context, in model.RoleInput) (*model.UserPayload, error) {
	return r.changeUser(ctx, in.UserID, func(actorID string) error {
		return r.people.GrantRole(ctx, actorID, in.UserID, auth.Role(in.Role))
	})
}

// RevokeRole implements generated.MutationResolver.
func (r mutationResolver) RevokeRole(ctx context.Context, in model.RoleInput) (*model.UserPayload, error) {
	return r.changeUser(ctx, in.UserID, func(actorID string) error {
		if auth.Role(in.Role) == auth.RoleCustomer {
			return rejection.New(rejection.Invalid, "everybody is a customer").At("role")
		}
		return r.people.RevokeRole(ctx, actorID, in.UserID, auth.Role(in.Role))
	})
}

// changeUser changes a user in the name of the viewer, and answers the user as they are then.
func (r mutationResolver) changeUser(ctx context.Context, userID string, change func(actorID string) error) (*model.UserPayload, error) {
	var c check
	if c.id(id.User, userID, "userId"); c.errs != nil {
		return &model.UserPayload{UserErrors: c.errs}, nil
	}
	viewer, _ := auth.FromContext(ctx) // @auth has seen to it that there is one
	err := change(viewer.UserID)
	var user *model.User
	if err == nil {
		user, err = findUser(ctx, userID)
	}
	if errors.Is(err, auth.ErrUserNotFound) || err == nil && user == nil {
		err = rejection.New(rejection.NotFound, "there is no such user").At("userId")
	}
	wrong, err := userErrors(err)
	return &model.UserPayload{User: user, UserErrors: wrong}, err
}
