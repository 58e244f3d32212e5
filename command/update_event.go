package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
)

// UpdateEvent changes the description, date, sales window or limits of an event; Held in the input is overwritten.
func (s *Service) UpdateEvent(ctx context.Context, by Caller, eventID string, in event.Update) (Event, error) {
	return s.decideEvent(ctx, by, "updateEvent", eventID, func(tx *engine.Tx, state event.State) (event.Command, error) {
		if !in.Lowers(state) {
			return in, nil
		}
		inv, err := inventories.Load(tx, eventID)
		in.Held.MostOfReservation, in.Held.MostOfCustomer = inv.MostTickets()
		return in, err
	})
}
