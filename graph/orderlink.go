package graph

import (
	"context"

	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/query"
)

// requireOrderLink returns UNAUTHENTICATED unless the request is signed in or has the link of the order, which mails have: a guest reads their
// order with it in any browser.
func (r *Resolver) requireOrderLink(ctx context.Context, reservationID string) error {
	if _, signedIn := auth.FromContext(ctx); signedIn || r.hasOrderLink(ctx, reservationID) {
		return nil
	}
	return errSignIn
}

// requireReader returns FORBIDDEN to all but the customer, the event's organizer, admins, and requests with the link of the order. A refund
// in full revokes the link: its tickets are void.
func (r *Resolver) requireReader(ctx context.Context, found query.Reservation) error {
	if found.Status != "REFUNDED" && r.hasOrderLink(ctx, found.ID) {
		return nil
	}
	return requireParticipant(ctx, found.CustomerID, found.EventID)
}

func (r *Resolver) hasOrderLink(ctx context.Context, reservationID string) bool {
	link := request.From(ctx).OrderLink
	return link != "" && r.opensOrder != nil && r.opensOrder(link, reservationID)
}
