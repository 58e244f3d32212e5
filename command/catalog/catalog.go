// Package catalog lists all domain events with their names and schema versions in the log. Golden files show what each version that was
// ever written looks like.
package catalog

import (
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// Registry returns a registry of all domain events.
func Registry() *eventstore.Registry {
	r := eventstore.NewRegistry()

	eventstore.Register[event.EventCreated](r, "EventCreated", 2)
	r.Upcast("EventCreated", 1, upcastTimeZone)
	eventstore.Register[event.EventUpdated](r, "EventUpdated", 2)
	r.Upcast("EventUpdated", 1, upcastTimeZone)
	eventstore.Register[event.EventPublished](r, "EventPublished", 1)
	eventstore.Register[event.DraftDeleted](r, "DraftDeleted", 1)
	eventstore.Register[event.SalesOpened](r, "SalesOpened", 1)
	eventstore.Register[event.SalesClosed](r, "SalesClosed", 1)
	eventstore.Register[event.EventCancelled](r, "EventCancelled", 1)
	eventstore.Register[event.EventCompleted](r, "EventCompleted", 1)

	eventstore.Register[inventory.InventoryAdded](r, "InventoryAdded", 1)
	eventstore.Register[inventory.SectionUpdated](r, "SectionUpdated", 1)
	eventstore.Register[inventory.SeatsReserved](r, "SeatsReserved", 1)
	eventstore.Register[inventory.SeatsConfirmed](r, "SeatsConfirmed", 1)
	eventstore.Register[inventory.SeatsReleased](r, "SeatsReleased", 1)

	eventstore.Register[reservation.ReservationInitiated](r, "ReservationInitiated", 1)
	eventstore.Register[reservation.PaymentRequested](r, "PaymentRequested", 1)
	eventstore.Register[reservation.PaymentAttemptFailed](r, "PaymentAttemptFailed", 1)
	eventstore.Register[reservation.ReservationCompleted](r, "ReservationCompleted", 1)
	eventstore.Register[reservation.ReservationCancelled](r, "ReservationCancelled", 1)
	eventstore.Register[reservation.ReservationExpired](r, "ReservationExpired", 1)
	eventstore.Register[reservation.ReservationCompensated](r, "ReservationCompensated", 1)
	eventstore.Register[reservation.TicketsReturned](r, "TicketsReturned", 1)
	eventstore.Register[reservation.ReservationRefunded](r, "ReservationRefunded", 1)

	eventstore.Register[payment.PaymentInitiated](r, "PaymentInitiated", 1)
	eventstore.Register[payment.PaymentProcessing](r, "PaymentProcessing", 1)
	eventstore.Register[payment.PaymentActionRequired](r, "PaymentActionRequired", 1)
	eventstore.Register[payment.PaymentCompleted](r, "PaymentCompleted", 1)
	eventstore.Register[payment.PaymentFailed](r, "PaymentFailed", 1)
	eventstore.Register[payment.RefundRequested](r, "RefundRequested", 2)
	r.Upcast("RefundRequested", 1, upcastRefundRequestedV1)
	eventstore.Register[payment.PaymentRefunded](r, "PaymentRefunded", 1)
	eventstore.Register[payment.RefundFailed](r, "RefundFailed", 1)
	eventstore.Register[payment.RefundSentBack](r, "RefundSentBack", 1)
	eventstore.Register[payment.RefundRetried](r, "RefundRetried", 1)
	eventstore.Register[payment.RefundReported](r, "RefundReported", 1)
	eventstore.Register[payment.PaymentDisputed](r, "PaymentDisputed", 1)
	eventstore.Register[payment.DisputeClosed](r, "DisputeClosed", 1)

	return r
}
