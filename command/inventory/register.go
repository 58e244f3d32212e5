package inventory

import "ticketing/command/eventstore"

// Register names this aggregate's domain events as they stand in the log.
func Register(r *eventstore.Registry) {
	eventstore.Register[InventoryAdded](r, "InventoryAdded", 1)
	eventstore.Register[SeatsReserved](r, "SeatsReserved", 1)
	eventstore.Register[SeatsConfirmed](r, "SeatsConfirmed", 1)
	eventstore.Register[SeatsReleased](r, "SeatsReleased", 1)
}
