package command

import (
	"context"
	"errors"

	"ticketing/command/rejection"
)

// CancelUnpaid cancels reservations of users who were just erased. The caller's right to erase them includes it. One that was paid, or has ended,
// stays as it is; what can't be cancelled now ends with its hold. Error: all that failed.
func (s *Service) CancelUnpaid(ctx context.Context, by Caller, reservationIDs []string) error {
	by.Principal = Admin(by.Principal.ID())
	var errs []error
	for _, id := range reservationIDs {
		_, err := s.CancelReservation(ctx, by, CancelReservation{ReservationID: id})
		if _, over := rejection.As(err); !over {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
