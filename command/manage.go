package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/id"
)

// CreateEvent makes a draft that belongs to the caller; OrganizerID in the input is overwritten.
func (s *Service) CreateEvent(ctx context.Context, by Caller, in event.Create) (Event, error) {
	in.OrganizerID = by.Actor
	eventID := id.New(id.Event)
	e, _, err := run(ctx, s, by, action[Event]{
		mutation: "createEvent", input: in, ref: Event.ref,
		decide: func(tx *engine.Tx) (Event, error) {
			domainEvents, err := event.Decide(event.State{}, in, tx.Now)
			if err != nil {
				return Event{}, err
			}
			if err := engine.Create(tx, event.Stream(eventID)); err != nil {
				return Event{}, err
			}
			state := engine.Append[event.State](tx, event.Stream(eventID), domainEvents)
			return Event{ID: eventID, Version: tx.Version(event.Stream(eventID)), State: state}, nil
		},
		replay: func(ctx context.Context, ref string) (Event, error) { return s.event(ctx, by, ref) },
	})
	return e, err
}

// UpdateEvent changes an event's description, date or sales window.
func (s *Service) UpdateEvent(ctx context.Context, by Caller, eventID string, in event.Update) (Event, error) {
	return s.manage(ctx, by, eventID, in)
}

// PublishEvent makes a draft visible to everybody.
func (s *Service) PublishEvent(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.manage(ctx, by, eventID, event.Publish{})
}

// OpenSales lets customers reserve.
func (s *Service) OpenSales(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.manage(ctx, by, eventID, event.OpenSales{})
}

// CloseSales ends reserving; holds can still be paid.
func (s *Service) CloseSales(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.manage(ctx, by, eventID, event.CloseSales{})
}

// CancelEvent ends the event for good; the saga then winds it up.
func (s *Service) CancelEvent(ctx context.Context, by Caller, eventID, reason string) (Event, error) {
	return s.manage(ctx, by, eventID, event.Cancel{Reason: reason})
}

// CompleteEvent says that the event took place.
func (s *Service) CompleteEvent(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.manage(ctx, by, eventID, event.Complete{})
}

// OpenScheduledSales opens sales if the event's window says so now. It is the saga's, and changes nothing otherwise.
func (s *Service) OpenScheduledSales(ctx context.Context, by Caller, eventID string) error {
	by.Admin = true
	_, err := s.manage(ctx, by, eventID, event.OpenSales{Scheduled: true})
	return err
}

// CloseScheduledSales closes sales if the event's window says so now. It is the saga's, and changes nothing otherwise.
func (s *Service) CloseScheduledSales(ctx context.Context, by Caller, eventID string) error {
	by.Admin = true
	_, err := s.manage(ctx, by, eventID, event.CloseSales{Scheduled: true})
	return err
}

func (s *Service) manage(ctx context.Context, by Caller, eventID string, c event.Command) (Event, error) {
	return execute(ctx, s, by, eventStreams(eventID), func(tx *engine.Tx) (Event, error) {
		state, err := engine.Load[event.State](tx, event.Stream(eventID))
		if err != nil {
			return Event{}, err
		}
		if err := by.mayManage(state); err != nil {
			return Event{}, err
		}
		view, err := viewEvent(tx, eventID, state)
		if err != nil {
			return Event{}, err
		}
		domainEvents, err := event.Decide(state, c, tx.Now)
		if err != nil {
			return Event{}, err
		}
		view.State = engine.Append[event.State](tx, event.Stream(eventID), domainEvents)
		view.Version = tx.Version(event.Stream(eventID))
		return view, nil
	})
}

// AddInventory puts a section on sale.
func (s *Service) AddInventory(ctx context.Context, by Caller, eventID string, in inventory.Add) (Event, error) {
	return execute(ctx, s, by, eventStreams(eventID), func(tx *engine.Tx) (Event, error) {
		state, err := engine.Load[event.State](tx, event.Stream(eventID))
		if err != nil {
			return Event{}, err
		}
		stock, err := engine.Load[inventory.State](tx, inventory.Stream(eventID))
		if err != nil {
			return Event{}, err
		}
		if err := by.mayManage(state); err != nil {
			return Event{}, err
		}
		if state.Status == event.Cancelled || state.Status == event.Completed {
			return Event{}, rejection.New(rejection.InvalidState, "an event that is %s takes no more inventory", state.Status)
		}
		domainEvents, err := inventory.Decide(stock, in, tx.Now)
		if err != nil {
			return Event{}, err
		}
		engine.Append[inventory.State](tx, inventory.Stream(eventID), domainEvents)
		return viewEvent(tx, eventID, state)
	})
}
