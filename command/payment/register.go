package payment

import "ticketing/command/eventstore"

// Register names this aggregate's domain events as they stand in the log.
func Register(r *eventstore.Registry) {
	eventstore.Register[PaymentInitiated](r, "PaymentInitiated", 1)
	eventstore.Register[PaymentProcessing](r, "PaymentProcessing", 1)
	eventstore.Register[PaymentActionRequired](r, "PaymentActionRequired", 1)
	eventstore.Register[PaymentCompleted](r, "PaymentCompleted", 1)
	eventstore.Register[PaymentFailed](r, "PaymentFailed", 1)
	eventstore.Register[RefundRequested](r, "RefundRequested", 1)
	eventstore.Register[PaymentRefunded](r, "PaymentRefunded", 1)
	eventstore.Register[RefundFailed](r, "RefundFailed", 1)
}
