package command

import (
	"context"

	"ticketing/command/event"
)

// DeleteDraft removes an event that was never published. Afterwards there is no such event.
func (s *Service) DeleteDraft(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.changeEvent(ctx, by, "deleteDraft", eventID, event.DeleteDraft{})
}
