package audit

import (
	"slices"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// aggregate is the state of a stream.
type aggregate interface {
	head() *Head
	// evolve applies a domain event, and reports whether the stream can have it there. first says that it begins the stream.
	evolve(domainEvent any, first bool) bool
}

// Head is how far a stream was read.
type Head struct {
	Version  int64
	Audited  int64 // the version that Log.Read reached; CatchUp moves only Version
	Position int64 // of the domain event of Version
	Broken   bool  // a domain event can't be applied: nothing else is reported of the stream
}

func (h *Head) head() *Head { return h }

// Event is an event and how far its stream was read.
type Event struct {
	Head

	State event.State
}

func (e *Event) evolve(domainEvent any, first bool) bool {
	own, ok := domainEvent.(event.DomainEvent)
	if _, begins := domainEvent.(event.EventCreated); !ok || begins != first {
		return false
	}
	e.State = event.Evolve(e.State, own)
	return true
}

// Inventory is an inventory and how far its stream was read.
type Inventory struct {
	Head

	State inventory.State

	checked map[string]bool // reservations of the event that hold seats and were checked
}

func (i *Inventory) evolve(domainEvent any, _ bool) bool {
	own, ok := domainEvent.(inventory.DomainEvent)
	if ok {
		i.State = inventory.Evolve(i.State, own)
	}
	return ok
}

// Reservation is a reservation and how far its stream was read.
type Reservation struct {
	Head

	State reservation.State
}

func (r *Reservation) evolve(domainEvent any, first bool) bool {
	own, ok := domainEvent.(reservation.DomainEvent)
	if _, begins := domainEvent.(reservation.ReservationInitiated); !ok || begins != first {
		return false
	}
	r.State = reservation.Evolve(r.State, own)
	return true
}

// completedBy reports whether the payment completed the reservation, which still is.
func (r *Reservation) completedBy(paymentID string) bool {
	return r.State.Status == reservation.Completed && r.State.PaymentID == paymentID
}

// overtaken reports whether another payment completed the reservation, charged late, while this one was under way. The reconciler ends it.
func (r *Reservation) overtaken(paymentID string) bool {
	return r.State.CompletedAt != nil && r.State.PaymentID != paymentID
}

// Payment is a payment and how far its stream was read.
type Payment struct {
	Head

	State payment.State
}

func (p *Payment) evolve(domainEvent any, first bool) bool {
	own, ok := domainEvent.(payment.DomainEvent)
	if _, begins := domainEvent.(payment.PaymentInitiated); !ok || begins != first {
		return false
	}
	p.State = payment.Evolve(p.State, own)
	return true
}

// sentBack reports whether money of a refund came back from the customer's bank: the reservation stays refunded without it.
func (p *Payment) sentBack() bool {
	return slices.ContainsFunc(p.State.Refunds, func(r payment.Refund) bool { return r.SentBack })
}

// refused reports whether the gateway has refused a refund for good: the organizer has to pay it out by other means.
func (p *Payment) refused() bool {
	return slices.ContainsFunc(p.State.Refunds, func(r payment.Refund) bool { return r.Status == payment.RefundRefused })
}
