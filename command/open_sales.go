package command

import (
	"context"

	"ticketing/command/event"
)

// OpenSales lets customers reserve.
func (s *Service) OpenSales(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.changeEvent(ctx, by, "openSales", eventID, event.OpenSales{})
}

// OpenScheduledSales opens sales if the window of the event says so now, and changes nothing otherwise. It is for the saga.
func (s *Service) OpenScheduledSales(ctx context.Context, by Caller, eventID string) error {
	_, err := s.changeEvent(ctx, by, "openSales", eventID, event.OpenSales{Scheduled: true})
	return err
}
