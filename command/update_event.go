package command

import (
	"context"

	"ticketing/command/event"
)

// UpdateEvent changes the description, date or sales window of an event.
func (s *Service) UpdateEvent(ctx context.Context, by Caller, eventID string, in event.Update) (Event, error) {
	return s.changeEvent(ctx, by, eventID, in)
}
