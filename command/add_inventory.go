package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/money"
)

// AddInventory puts a section on sale.
func (s *Service) AddInventory(ctx context.Context, by Caller, eventID string, in inventory.Add) (Event, error) {
	return s.changeInventory(ctx, by, "addInventory", eventID, in, &in.Price)
}

// changeInventory decides a command of an inventory, which sets price unless that is nil, for those who manage its event.
func (s *Service) changeInventory(ctx context.Context, by Caller, name, eventID string, c inventory.Command, price *money.Money) (Event, error) {
	return execute(ctx, s, by, name, eventStreams(eventID), func(tx *engine.Tx) (Event, error) {
		state, err := events.Load(tx, eventID)
		if err != nil {
			return Event{}, err
		}
		if err := by.mayManage(state); err != nil {
			return Event{}, err
		}
		if state.Status == event.Cancelled || state.Status == event.Completed {
			return Event{}, rejection.New(rejection.InvalidState, "the inventory of an event that is %s cannot be changed", state.Status)
		}
		if _, err := inventories.Decide(tx, eventID, c); err != nil {
			return Event{}, err
		}
		if price != nil {
			if err := s.checkPrice(*price); err != nil {
				return Event{}, err
			}
		}
		return viewEvent(tx, eventID)
	})
}
