package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/internal/id"
)

// CreateEvent makes a draft that belongs to the caller; OrganizerID in the input is overwritten.
func (s *Service) CreateEvent(ctx context.Context, by Caller, in event.Create) (Event, error) {
	in.OrganizerID = by.Principal.ID()
	eventID := id.New(id.Event)
	e, _, err := executeOnce(ctx, s, by, action[Event]{
		mutation: "createEvent", input: in, ref: Event.ref,
		decide: func(tx *engine.Tx) (Event, error) {
			state, err := events.Create(tx, eventID, in)
			return Event{ID: eventID, Version: events.Version(tx, eventID), State: state}, err
		},
		replay: s.replayEvent,
	})
	return e, err
}
