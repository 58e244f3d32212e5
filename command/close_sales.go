package command

import (
	"context"

	"ticketing/command/event"
)

// CloseSales ends reserving; unpaid reservations can still be paid.
func (s *Service) CloseSales(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.changeEvent(ctx, by, "closeSales", eventID, event.CloseSales{})
}

// CloseScheduledSales closes sales if the window of the event says so now, and changes nothing otherwise. It is for the saga.
func (s *Service) CloseScheduledSales(ctx context.Context, by Caller, eventID string) error {
	_, err := s.changeEvent(ctx, by, "closeSales", eventID, event.CloseSales{Scheduled: true})
	return err
}
