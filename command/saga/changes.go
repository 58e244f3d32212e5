package saga

import (
	"time"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// changes collects what a batch of domain events means for deadlines, where later ones override earlier ones, and the jobs that follow.
type changes struct {
	reconcileAfter time.Duration
	set            map[deadlineKey]deadline
	ended          map[deadlineKey]struct{}
	jobs           []job          // but for those below
	undecided      map[string]job // by payment: asks the gateway when nothing has happened to the payment for a while
	mails          []job
	moves          map[string]bool        // events and windows in which a move was found
	events         map[string]*eventState // their deadlines follow from their state, not from one domain event
	behind         map[string]int64       // versions up to which the states of events are to be folded first
	aside          map[string]bool        // streams that wait
	fresh          map[string]asideStream // those that begin to wait
}

func newChanges(reconcileAfter time.Duration) *changes {
	return &changes{
		reconcileAfter: reconcileAfter, set: map[deadlineKey]deadline{}, ended: map[deadlineKey]struct{}{}, undecided: map[string]job{},
		events: map[string]*eventState{}, behind: map[string]int64{}, aside: map[string]bool{}, moves: map[string]bool{}, fresh: map[string]asideStream{},
	}
}

func (c *changes) setDeadline(kind Kind, id string, d deadline) {
	k := deadlineKey{kind, id}
	delete(c.ended, k)
	c.set[k] = d
}

func (c *changes) endDeadline(kind Kind, id string) {
	k := deadlineKey{kind, id}
	delete(c.set, k)
	c.ended[k] = struct{}{}
}

// foldRecord adds the next domain event of the log. It decodes only those that can matter. A stream with one that this build does not know waits
// from there on: that one might set or end a deadline.
func (c *changes) foldRecord(registry *eventstore.Registry, r *eventstore.Recorded) {
	category, id := eventstore.SplitStreamID(r.StreamID)
	if c.aside[r.StreamID] || (category != event.Category && category != reservation.Category && category != payment.Category) {
		return
	}
	domainEvent, err := registry.Decode(r.Type, r.SchemaVersion, r.Data)
	if err != nil {
		c.putAside(r, err)
		return
	}
	switch e := domainEvent.(type) {
	case event.DomainEvent:
		c.evolveEvent(id, e, r)
		c.foldMove(id, e, r)
	case reservation.DomainEvent:
		c.foldReservation(id, e, causeOf(r))
	case payment.DomainEvent:
		c.foldPayment(id, e, r)
	}
}

// evolveEvent adds a domain event to the state of its event, unless it is in there already: the log is followed again.
func (c *changes) evolveEvent(id string, domainEvent event.DomainEvent, r *eventstore.Recorded) {
	e := c.events[id]
	switch {
	case r.Version > e.version+1:
		if c.behind[id] == 0 {
			c.behind[id] = r.Version - 1
		}
		return
	case r.Version == e.version+1:
		e.state, e.version = event.Evolve(e.state, domainEvent), r.Version
	}
	e.last = r
}

// foldMove has mails sent to the customers of an event that moved, when the window of the move is over. The job of the first move is that of
// all others of the window.
func (c *changes) foldMove(id string, domainEvent event.DomainEvent, r *eventstore.Recorded) {
	e, ok := domainEvent.(event.EventUpdated)
	if !ok || e.Was == nil {
		return
	}
	at := r.RecordedAt.UTC()
	window := at.Truncate(moveWindow)
	key := id + "/" + window.String()
	if c.moves[key] {
		return
	}
	c.moves[key] = true
	c.jobs = append(c.jobs, job{
		args:  moveJob{EventID: id, Version: r.Version, Window: window.Unix(), Move: move{Was: *e.Was, First: at, Reason: e.Reason, At: at}},
		cause: causeOf(r), dueAt: window.Add(moveWindow),
	})
}

func (c *changes) foldReservation(id string, domainEvent reservation.DomainEvent, by cause) {
	switch e := domainEvent.(type) {
	case reservation.ReservationInitiated:
		c.setDeadline(Hold, id, deadline{dueAt: e.ExpiresAt, cause: by})
	case reservation.PaymentRequested:
		c.setDeadline(Hold, id, deadline{dueAt: e.ExpiresAt, cause: by})
	case reservation.PaymentAttemptFailed, reservation.TicketsReturned: // the hold goes on as it is, or has ended
	case reservation.ReservationCompleted:
		c.endDeadline(Hold, id)
		c.mails = append(c.mails, job{args: mailJob{Mail: ConfirmedMail, ID: id}, cause: by})
	case reservation.ReservationCancelled, reservation.ReservationExpired, reservation.ReservationCompensated,
		reservation.ReservationRefunded:
		c.endDeadline(Hold, id)
	}
}

func (c *changes) foldPayment(id string, domainEvent payment.DomainEvent, r *eventstore.Recorded) {
	switch e := domainEvent.(type) {
	case payment.PaymentInitiated, payment.PaymentProcessing, payment.PaymentActionRequired:
		c.undecided[id] = job{args: reconcileJob{PaymentID: id}, cause: causeOf(r), dueAt: r.RecordedAt.Add(c.reconcileAfter)}
	case payment.PaymentCompleted, payment.PaymentFailed:
		delete(c.undecided, id) // if it was followed earlier, its job finds nothing to do
	case payment.RefundRequested:
		c.jobs = append(c.jobs, job{args: refundJob{PaymentID: id, RefundID: e.RefundID}, cause: causeOf(r), priority: priorityOf(e.Cause)})
	case payment.PaymentRefunded:
		c.mailAbout(id, e.RefundID, r, RefundedMail)
	case payment.RefundSentBack:
		returned := gateway.Refund{ID: e.RefundID, Attempt: e.Attempt}
		c.mailAbout(id, returned.Key(), r, RefundSentBackMail, RefundReturnedMail)
	case payment.RefundFailed:
		c.mailAbout(id, e.RefundID, r, RefundFailedMail, RefundFailedNotice)
	case payment.RefundRetried:
		c.jobs = append(c.jobs, job{args: refundJob{PaymentID: id, RefundID: e.RefundID, Retry: r.Version}, cause: causeOf(r)})
	case payment.PaymentDisputed:
		c.mailAbout(id, e.DisputeID, r, DisputeOpenedMail, DisputeOpenedNotice)
	case payment.DisputeClosed:
		c.mailAbout(id, e.DisputeID, r, DisputeClosedMail, DisputeClosedNotice)
	case payment.RefundReported: // the gateway carries it out
	}
}

// mailAbout has mails sent about a refund or a dispute of a payment.
func (c *changes) mailAbout(paymentID, about string, r *eventstore.Recorded, mails ...Mail) {
	for _, m := range mails {
		c.mails = append(c.mails, job{args: mailJob{Mail: m, ID: about, PaymentID: paymentID}, cause: causeOf(r), priority: oneRefund})
	}
}

func priorityOf(cause payment.RefundCause) int {
	if cause == payment.CauseEventCancelled {
		return wholeEvent
	}
	return onePurchase
}

// foldEvents sets the deadlines and jobs that follow from the states of events that have changed.
func (c *changes) foldEvents() {
	for id, e := range c.events {
		if e.last != nil {
			c.foldEvent(id, e.state, e.last)
		}
	}
}

// foldEvent sets the deadlines and jobs that follow from an event's state: last is the domain event that led to it.
func (c *changes) foldEvent(id string, s event.State, last *eventstore.Recorded) {
	window := func(kind Kind, at *time.Time) {
		if at != nil {
			c.setDeadline(kind, id, deadline{dueAt: *at, cause: causeOf(last)})
			return
		}
		c.endDeadline(kind, id)
	}
	window(SalesOpen, s.OpensAt(last.RecordedAt))
	window(SalesClose, s.ClosesAt())
	if s.Status == event.Cancelled {
		c.jobs = append(c.jobs, job{args: windUpJob{EventID: id}, cause: causeOf(last)})
	}
}

func causeOf(r *eventstore.Recorded) cause {
	return cause{CorrelationID: r.Metadata.CorrelationID, CausationID: r.ID(), Traceparent: r.Metadata.Traceparent}
}
