package graph

import (
	"context"
	"slices"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

type queryResolver struct{ *Resolver }

// Me implements generated.QueryResolver.
func (r queryResolver) Me(ctx context.Context) (*model.User, error) {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return nil, nil //nolint:nilnil // null when signed out
	}
	return findUser(ctx, viewer.UserID)
}

// Node implements generated.QueryResolver.
func (r queryResolver) Node(ctx context.Context, nodeID string) (model.Node, error) {
	switch id.Prefix(nodeID) {
	case id.Event:
		return asNode(r.Event(ctx, nodeID, nil))
	case id.Reservation:
		return signedIn(ctx, func() (model.Node, error) { return asNode(r.Reservation(ctx, nodeID, nil)) })
	case id.Payment:
		return signedIn(ctx, func() (model.Node, error) { return asNode(r.Payment(ctx, nodeID, nil)) })
	case id.User:
		return signedIn(ctx, func() (model.Node, error) { return asNode(r.user(ctx, nodeID)) })
	case id.Refund:
		return signedIn(ctx, func() (model.Node, error) { return asNode(r.refund(ctx, nodeID)) })
	}
	return nil, apierror.New(apierror.BadUserInput, "id is not one of this API")
}

// Event implements generated.QueryResolver.
func (r queryResolver) Event(ctx context.Context, eventID string, minVersion *int) (*query.Event, error) {
	anybody := func(query.Event) error { return nil }
	e, err := read(ctx, id.Event, eventID, minVersion, &loadersOf(ctx).events, r.feeds.events, anybody)
	if err != nil || e == nil || !seesEvent(ctx, *e) {
		return nil, err
	}
	return e, nil
}

// Reservation implements generated.QueryResolver.
func (r queryResolver) Reservation(ctx context.Context, reservationID string, minVersion *int) (*query.Reservation, error) {
	found, err := read(ctx, id.Reservation, reservationID, minVersion, &loadersOf(ctx).reservations, r.feeds.reservations,
		func(found query.Reservation) error { return seesSale(ctx, found.CustomerID, found.EventID) })
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, apierror.New(apierror.NotFound, "there is no such reservation")
	}
	return found, nil
}

// Payment implements generated.QueryResolver.
func (r queryResolver) Payment(ctx context.Context, paymentID string, minVersion *int) (*model.Payment, error) {
	found, err := read(ctx, id.Payment, paymentID, minVersion, &loadersOf(ctx).payments, r.feeds.payments,
		func(found query.Payment) error { return seesSale(ctx, found.CustomerID, found.EventID) })
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, apierror.New(apierror.NotFound, "there is no such payment")
	}
	return &model.Payment{Payment: *found}, nil
}

// refund answers a refund to those who see its payment.
func (r queryResolver) refund(ctx context.Context, refundID string) (*query.Refund, error) {
	found, err := loadersOf(ctx).paymentsByRefund.load(ctx, refundID)
	if err != nil || found == nil {
		return nil, err
	}
	i := slices.IndexFunc(found.Refunds, func(r query.Refund) bool { return r.ID == refundID })
	if i < 0 {
		return nil, nil //nolint:nilnil // null for what is not there
	}
	return &found.Refunds[i], seesSale(ctx, found.CustomerID, found.EventID)
}

// user answers a user to himself and to admins; others do not learn whether there is one.
func (r queryResolver) user(ctx context.Context, userID string) (*model.User, error) {
	if !isViewer(ctx, userID) {
		return nil, errForbidden
	}
	return findUser(ctx, userID)
}

// signedIn answers for fields that are public themselves and lead to what is not.
func signedIn(ctx context.Context, answer func() (model.Node, error)) (model.Node, error) {
	if _, ok := auth.FromContext(ctx); !ok {
		return nil, errSignIn
	}
	return answer()
}

// asNode keeps a nil pointer from becoming a Node that is not nil.
func asNode[T any](value *T, err error) (model.Node, error) {
	if value == nil || err != nil {
		return nil, err
	}
	return value, nil
}

func findUser(ctx context.Context, userID string) (*model.User, error) {
	u, err := loadersOf(ctx).users.load(ctx, userID)
	if u == nil || err != nil {
		return nil, err
	}
	return &model.User{User: *u}, nil
}
