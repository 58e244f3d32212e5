package command

import (
	"context"

	"ticketing/command/event"
)

// CancelEvent ends the event for good; the saga then winds it up.
func (s *Service) CancelEvent(ctx context.Context, by Caller, eventID, reason string) (Event, error) {
	return s.changeEvent(ctx, by, "cancelEvent", eventID, event.Cancel{Reason: reason})
}
