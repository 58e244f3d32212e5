package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
)

// changeEvent decides a command of an event for those who manage it.
func (s *Service) changeEvent(ctx context.Context, by Caller, name, eventID string, c event.Command) (Event, error) {
	return s.decideEvent(ctx, by, name, eventID, func(*engine.Tx, event.State) (event.Command, error) { return c, nil })
}

// decideEvent is changeEvent for a command that depends on what the decision sees.
func (s *Service) decideEvent(ctx context.Context, by Caller, name, eventID string, commandFor func(*engine.Tx, event.State) (event.Command, error)) (Event, error) {
	return execute(ctx, s, by, name, eventStreams(eventID), func(tx *engine.Tx) (Event, error) {
		state, err := events.Load(tx, eventID)
		if err != nil {
			return Event{}, err
		}
		if err := by.mayManage(state); err != nil {
			return Event{}, err
		}
		c, err := commandFor(tx, state)
		if err != nil {
			return Event{}, err
		}
		if _, err := events.Decide(tx, eventID, c); err != nil {
			return Event{}, err
		}
		return viewEvent(tx, eventID)
	})
}
