package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
)

// PublishEvent makes a draft visible to all users. The gateways may be others than when its prices were set.
func (s *Service) PublishEvent(ctx context.Context, by Caller, eventID string) (Event, error) {
	return s.decideEvent(ctx, by, "publishEvent", eventID, func(tx *engine.Tx, _ event.State) (event.Command, error) {
		inv, err := inventories.Load(tx, eventID)
		for _, section := range inv.Sections {
			if err == nil {
				err = s.checkPrice(section.Price)
			}
		}
		return event.Publish{}, err
	})
}
