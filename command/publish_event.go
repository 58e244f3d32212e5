package command

import (
	"context"

	"ticketing/command/event"
)

// PublishEvent makes a draft visible to all users.
func (s *Service) PublishEvent(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.changeEvent(ctx, by, eventID, event.Publish{})
}
