package graph

import (
	"context"
	"errors"
	"time"

	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

type userResolver struct{ *Resolver }

// viewerOf returns the signed-in user, and the zero Principal when there is none.
func viewerOf(ctx context.Context) auth.Principal {
	viewer, _ := auth.FromContext(ctx)
	return viewer
}

// findUser returns nil when there is no such user.
func findUser(ctx context.Context, userID string) (*model.User, error) {
	u, err := loadersOf(ctx).users.Load(ctx, userID)
	if u == nil || err != nil {
		return nil, err
	}
	return &model.User{User: *u}, nil
}

// findVisibleUser finds a user for that user and for admins. Others do not learn whether there is one.
func findVisibleUser(ctx context.Context, userID string) (*model.User, error) {
	if !isSelfOrAdmin(ctx, userID) {
		return nil, errForbidden
	}
	return findUser(ctx, userID)
}

// Users implements generated.QueryResolver.
func (r queryResolver) Users(ctx context.Context, f *model.UserFilter, first *int, after *string, last *int, before *string) (*model.UserConnection, error) {
	filter, err := userFilter(f)
	if err != nil {
		return nil, err
	}
	list := func(ctx context.Context, w query.Window) ([]auth.Listed, error) {
		return r.auth.ListUsers(ctx, filter, authRange(w))
	}
	page, err := query.VersionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before}, list,
		func(u auth.Listed) int64 { return u.Number })
	return convertConnection(page, func(u *auth.Listed) *model.User { return &model.User{User: u.User} }), err
}

func userFilter(f *model.UserFilter) (auth.UserFilter, error) {
	var filter auth.UserFilter
	if f == nil {
		return filter, nil
	}
	if f.Role != nil {
		filter.Role = auth.Role(*f.Role)
	}
	if f.Email == nil {
		return filter, nil
	}
	email, err := auth.NormalizeEmail(*f.Email)
	if err != nil {
		return filter, apierror.New(apierror.BadUserInput, "email is not a mail address")
	}
	filter.Email = email
	return filter, nil
}

// authRange returns a window of a page as the auth database takes it.
func authRange(w query.Window) auth.Range {
	return auth.Range{After: w.After, Before: w.Before, Limit: w.Rows, Backward: w.Backward}
}

// Email implements generated.UserResolver.
func (userResolver) Email(ctx context.Context, u *model.User) (*string, error) {
	if !canSeeUser(ctx, u) {
		return nil, nil //nolint:nilnil // null for others
	}
	return nullIfEmpty(u.Email), nil
}

// Roles implements generated.UserResolver.
func (userResolver) Roles(ctx context.Context, u *model.User) ([]string, error) {
	if !canSeeUser(ctx, u) {
		return []string{}, nil
	}
	return convert(u.Roles, func(role *auth.Role) string { return string(*role) }), nil
}

// Reservations implements generated.UserResolver.
func (r userResolver) Reservations(ctx context.Context, u *model.User, f *model.ReservationFilter, order *model.CreationOrder, first *int, after *string, last *int, before *string) (*model.ReservationConnection, error) {
	if !canSeeUser(ctx, u) {
		return nil, errForbidden
	}
	return r.reservationsOf(ctx, query.OfCustomers, u.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before, Reversed: isOldestFirst(order)})
}

// Payments implements generated.UserResolver.
func (r userResolver) Payments(ctx context.Context, u *model.User, f *model.PaymentFilter, order *model.CreationOrder, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	if !canSeeUser(ctx, u) {
		return nil, errForbidden
	}
	return r.paymentsOf(ctx, query.OfCustomers, u.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before, Reversed: isOldestFirst(order)})
}

// EraseCustomer implements generated.MutationResolver.
func (r mutationResolver) EraseCustomer(ctx context.Context, in model.EraseCustomerInput) (*model.UserPayload, error) {
	if !isSelfOrAdmin(ctx, in.UserID) {
		return nil, errForbidden
	}
	return r.changeUser(ctx, in.UserID, func(actorID string) error {
		guests, err := r.auth.GuestsOf(ctx, in.UserID)
		if err != nil {
			return err
		}
		err = r.auth.EraseUser(ctx, actorID, in.UserID)
		if errors.Is(err, auth.ErrUserNotFound) {
			err = nil // erased before, or unknown: changeUser tells which
		}
		if err == nil {
			r.cancelUnpaid(ctx, append(guests, in.UserID))
		}
		return err
	})
}

const (
	// mostUnpaidEnded is how many unpaid reservations of each status are cancelled with their customer. More end with their holds.
	mostUnpaidEnded = 100
	// endUnpaidTimeout bounds that: a gateway may have to be asked to give up a payment.
	endUnpaidTimeout = 10 * time.Second
)

// cancelUnpaid cancels the unpaid reservations of users who were just erased. What can't be cancelled now ends with its hold.
func (r *Resolver) cancelUnpaid(ctx context.Context, userIDs []string) {
	ctx, cancel := context.WithTimeout(ctx, endUnpaidTimeout)
	defer cancel()
	by, err := withoutKey(ctx)
	errs := []error{err, r.awaitHead(ctx, "reservations")}
	var unpaid []string
	for _, status := range []string{string(reservation.SeatsReserved), string(reservation.PaymentPending)} {
		page, err := r.reads.ReservationPageOfAll(ctx, userIDs, query.Filter{Status: &status}, query.PageArgs{First: new(mostUnpaidEnded)})
		errs = append(errs, err)
		for _, found := range page.Items {
			unpaid = append(unpaid, found.ID)
		}
	}
	errs = append(errs, r.commands.CancelUnpaid(ctx, by, unpaid))
	if err := errors.Join(errs...); err != nil {
		r.logger.WarnContext(ctx, "unpaid reservations of an erased user wait for the end of their holds", "error", err)
	}
}

// GrantRole implements generated.MutationResolver.
func (r mutationResolver) GrantRole(ctx context.Context, in model.RoleInput) (*model.UserPayload, error) {
	return r.changeUser(ctx, in.UserID, func(actorID string) error {
		return r.auth.GrantRole(ctx, actorID, in.UserID, auth.Role(in.Role))
	})
}

// RevokeRole implements generated.MutationResolver.
func (r mutationResolver) RevokeRole(ctx context.Context, in model.RoleInput) (*model.UserPayload, error) {
	return r.changeUser(ctx, in.UserID, func(actorID string) error {
		if auth.Role(in.Role) == auth.RoleCustomer {
			return rejection.New(rejection.Invalid, "every user stays a customer").At("role")
		}
		return r.auth.RevokeRole(ctx, actorID, in.UserID, auth.Role(in.Role))
	})
}

// changeUser changes a user on the viewer's behalf, and returns the user as they are then.
func (r mutationResolver) changeUser(ctx context.Context, userID string, change func(actorID string) error) (*model.UserPayload, error) {
	var c checker
	if c.checkID(id.User, userID, "userId"); c.errs != nil {
		return &model.UserPayload{UserErrors: c.errs}, nil
	}
	err := change(viewerOf(ctx).UserID)
	var user *model.User
	if err == nil {
		user, err = findUser(ctx, userID)
	}
	if errors.Is(err, auth.ErrUserNotFound) || err == nil && user == nil {
		err = rejection.New(rejection.NotFound, "there is no such user").At("userId")
	}
	wrong, err := userErrors(ctx, err)
	return &model.UserPayload{User: user, UserErrors: wrong}, err
}
