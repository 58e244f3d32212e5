package event

import "ticketing/command/eventstore"

// Register names this aggregate's domain events as they stand in the log.
func Register(r *eventstore.Registry) {
	eventstore.Register[EventCreated](r, "EventCreated", 1)
	eventstore.Register[EventUpdated](r, "EventUpdated", 1)
	eventstore.Register[EventPublished](r, "EventPublished", 1)
	eventstore.Register[SalesOpened](r, "SalesOpened", 1)
	eventstore.Register[SalesClosed](r, "SalesClosed", 1)
	eventstore.Register[EventCancelled](r, "EventCancelled", 1)
	eventstore.Register[EventCompleted](r, "EventCompleted", 1)
}
