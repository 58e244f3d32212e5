package command

import (
	"context"

	"ticketing/command/event"
)

// CompleteEvent records that the event took place.
func (s *Service) CompleteEvent(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.changeEvent(ctx, by, "completeEvent", eventID, event.Complete{})
}
