package command

import (
	"context"

	"ticketing/command/inventory"
)

// UpdateSection changes the price, capacity, rows or seats of a section.
func (s *Service) UpdateSection(ctx context.Context, by Caller, eventID string, in inventory.Update) (Event, error) {
	return s.changeInventory(ctx, by, "updateSection", eventID, in, in.Price)
}
