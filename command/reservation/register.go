package reservation

import "ticketing/command/eventstore"

// Register names this aggregate's domain events as they stand in the log.
func Register(r *eventstore.Registry) {
	eventstore.Register[ReservationInitiated](r, "ReservationInitiated", 1)
	eventstore.Register[PaymentRequested](r, "PaymentRequested", 1)
	eventstore.Register[PaymentAttemptFailed](r, "PaymentAttemptFailed", 1)
	eventstore.Register[ReservationCompleted](r, "ReservationCompleted", 1)
	eventstore.Register[ReservationCancelled](r, "ReservationCancelled", 1)
	eventstore.Register[ReservationExpired](r, "ReservationExpired", 1)
	eventstore.Register[ReservationCompensated](r, "ReservationCompensated", 1)
	eventstore.Register[ReservationRefunded](r, "ReservationRefunded", 1)
}
