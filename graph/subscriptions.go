package graph

import (
	"context"
	"errors"

	"ticketing/graph/apierror"
	"ticketing/graph/live"
	"ticketing/internal/id"
	"ticketing/query"
)

type subscriptionResolver struct{ *Resolver }

// ReservationStatus implements generated.SubscriptionResolver.
func (r subscriptionResolver) ReservationStatus(ctx context.Context, reservationID string) (<-chan *query.Reservation, error) {
	return stream(ctx, id.Reservation, reservationID, r.feeds.reservations, func(found query.Reservation) error {
		return seesSale(ctx, found.CustomerID, found.EventID)
	})
}

// Availability implements generated.SubscriptionResolver.
func (r subscriptionResolver) Availability(ctx context.Context, eventID string) (<-chan *query.Event, error) {
	return stream(ctx, id.Event, eventID, r.feeds.availability, func(found query.Event) error {
		if !seesEvent(ctx, found) {
			return errNothingThere
		}
		return nil
	})
}

var errNothingThere = apierror.New(apierror.NotFound, "there is nothing with this id")

// stream follows an object that the viewer may see, from its state now on. It waits a little for one that was only just made.
func stream[T any](ctx context.Context, prefix, objectID string, feed *live.Feed[T], may func(T) error) (<-chan *T, error) {
	if err := checkID(prefix, objectID); err != nil {
		return nil, err
	}
	watch := feed.Watch(objectID)
	first, err := watch.AtLeast(ctx, 0)
	if errors.Is(err, live.ErrNotThere) {
		err = errNothingThere
	}
	if err == nil {
		err = may(first)
	}
	if err != nil {
		watch.Close()
		return nil, err
	}
	return watch.Stream(ctx, first), nil
}
