package verify

import (
	"ticketing/command/event"       //nolint:depguard // as in verify.go
	"ticketing/command/eventstore"  //nolint:depguard // as in verify.go
	"ticketing/command/inventory"   //nolint:depguard // as in verify.go
	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

// stream is the state that a stream comes to.
type stream interface {
	at() *head
	// evolve takes a domain event; false: it can't stand there.
	evolve(r *eventstore.Recorded, domainEvent any) bool
}

// head is how far a stream was read.
type head struct {
	version  int64
	known    int64 // version that it had come to when the log was read; rows that are further have made it go on
	position int64
	broken   bool // it can't be read: nothing else is said about it
	seen     bool // in the read tables
}

func (h *head) at() *head { return h }

type occasion struct {
	head
	state event.State
}

func (o *occasion) evolve(r *eventstore.Recorded, domainEvent any) bool {
	e, ok := domainEvent.(event.DomainEvent)
	if _, first := domainEvent.(event.EventCreated); !ok || first != (r.Version == 1) {
		return false
	}
	o.state = event.Evolve(o.state, e)
	return true
}

type stock struct {
	head
	state inventory.State
}

func (s *stock) evolve(_ *eventstore.Recorded, domainEvent any) bool {
	e, ok := domainEvent.(inventory.DomainEvent)
	if ok {
		s.state = inventory.Evolve(s.state, e)
	}
	return ok
}

// hold is a reservation, and what its row says beside the state.
type hold struct {
	head
	state         reservation.State
	correlationID string // of the request that made it
	asked         string // the payment that was asked for last
	reason        string // why it ended, or why the last payment failed
	trace
}

func (h *hold) evolve(r *eventstore.Recorded, domainEvent any) bool {
	e, ok := domainEvent.(reservation.DomainEvent)
	if _, first := domainEvent.(reservation.ReservationInitiated); !ok || first != (r.Version == 1) {
		return false
	}
	switch e := e.(type) {
	case reservation.ReservationInitiated:
		h.correlationID = r.Metadata.CorrelationID
	case reservation.PaymentRequested:
		h.asked, h.reason = e.PaymentID, ""
	case reservation.PaymentAttemptFailed:
		h.reason = e.Reason
	case reservation.ReservationCompleted:
		h.reason = ""
	case reservation.ReservationCancelled:
		h.reason = e.Reason
	case reservation.ReservationCompensated:
		h.reason = e.Reason
	case reservation.ReservationExpired, reservation.ReservationRefunded: // give none
	}
	h.state = reservation.Evolve(h.state, e)
	h.note(r, h.state.CustomerID, h.deed(r, e))
	return true
}

// charge is a payment, and what its row says beside the state.
type charge struct {
	head
	state         payment.State
	correlationID string // of the request that made it
	refunded      []saleRefund
	trace
}

func (c *charge) evolve(r *eventstore.Recorded, domainEvent any) bool {
	e, ok := domainEvent.(payment.DomainEvent)
	if _, first := domainEvent.(payment.PaymentInitiated); !ok || first != (r.Version == 1) {
		return false
	}
	if r.Version == 1 {
		c.correlationID = r.Metadata.CorrelationID
	}
	c.state = payment.Evolve(c.state, e)
	if refunded, ok := e.(payment.PaymentRefunded); ok {
		c.refunded = append(c.refunded, saleRefund{Amount: refunded.Amount.Minor, At: refunded.RefundedAt})
	}
	c.note(r, c.state.CustomerID, c.deed(r, e))
	return true
}

// refused answers whether the gateway has refused a refund for good: a person has to see to it.
func (c *charge) refused() bool {
	for _, r := range c.state.Refunds {
		if r.Status == payment.RefundRefused {
			return true
		}
	}
	return false
}
