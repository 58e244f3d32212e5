package verify

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/customers"
	"ticketing/projector/projection"
	"ticketing/projector/sales"
)

// reservationDetails is what the rows of a reservation have beside its state.
type reservationDetails struct {
	customerTrace

	correlationID string                    // of the request that made it
	requested     string                    // the payment that was requested last
	reason        string                    // why it ended, or why the last payment failed
	returns       map[string][]sales.Return // of single tickets, by section
}

// paymentDetails is what the rows of a payment have beside its state.
type paymentDetails struct {
	customerTrace

	correlationID string // of the request that made it
	refunds       []sales.Refund
}

// observe notes the details of a domain event that was applied.
func (x *expected) observe(r *eventstore.Recorded, domainEvent any) {
	_, id := eventstore.SplitStreamID(r.StreamID)
	switch e := domainEvent.(type) {
	case inventory.SeatsReserved:
		x.foundReservations = append(x.foundReservations, e.ReservationID)
	case reservation.DomainEvent:
		if requested, ok := e.(reservation.PaymentRequested); ok {
			x.foundPayments = append(x.foundPayments, requested.PaymentID)
		}
		if r.Version == 1 {
			x.reservations[r.StreamID] = &reservationDetails{correlationID: r.Metadata.CorrelationID}
		}
		x.reservations[r.StreamID].observe(r, id, x.log.Reservations[id].State, e)
	case payment.DomainEvent:
		if r.Version == 1 {
			x.payments[r.StreamID] = &paymentDetails{correlationID: r.Metadata.CorrelationID}
		}
		x.payments[r.StreamID].observe(r, id, x.log.Payments[id].State, e)
	}
}

func (d *reservationDetails) observe(r *eventstore.Recorded, id string, state reservation.State, domainEvent reservation.DomainEvent) {
	d.see(r, state.CustomerID)
	kind := ""
	switch e := domainEvent.(type) {
	case reservation.ReservationInitiated:
		kind = customers.ReservationInitiated
	case reservation.PaymentRequested:
		d.requested, d.reason = e.PaymentID, ""
	case reservation.PaymentAttemptFailed:
		d.reason = e.Reason
	case reservation.ReservationCompleted:
		kind, d.reason = customers.ReservationCompleted, ""
	case reservation.ReservationCancelled:
		kind, d.reason = customers.ReservationCancelled, e.Reason
	case reservation.ReservationExpired:
		kind = customers.ReservationExpired
	case reservation.ReservationCompensated:
		kind, d.reason = customers.ReservationCompensated, e.Reason
	case reservation.TicketsReturned:
		d.addReturns(e)
	case reservation.ReservationRefunded:
		kind = customers.ReservationRefunded
	}
	if kind != "" {
		d.addHistory(r, customers.HistoryRow{
			CustomerID: state.CustomerID, Kind: kind, EventID: state.EventID, ReservationID: id, Tickets: int64(len(state.KeptSeats())),
			Amount: state.Total.Minor, Currency: state.Total.Currency,
		})
	}
}

func (d *reservationDetails) addReturns(e reservation.TicketsReturned) {
	if d.returns == nil {
		d.returns = map[string][]sales.Return{}
	}
	seen := map[string]int64{}
	for _, t := range e.Tickets {
		seen[t.Section]++
	}
	for section, tickets := range seen {
		d.returns[section] = append(d.returns[section], sales.Return{Tickets: tickets, At: e.ReturnedAt})
	}
}

func (d *paymentDetails) observe(r *eventstore.Recorded, id string, state payment.State, domainEvent payment.DomainEvent) {
	d.see(r, state.CustomerID)
	row := customers.HistoryRow{
		CustomerID: state.CustomerID, EventID: state.EventID, ReservationID: state.ReservationID, PaymentID: &id,
		Amount: state.Amount.Minor, Currency: state.Amount.Currency,
	}
	switch e := domainEvent.(type) {
	case payment.PaymentCompleted:
		row.Kind = customers.PaymentCompleted
	case payment.PaymentFailed:
		row.Kind = customers.PaymentFailed
	case payment.PaymentDisputed:
		d.refunds = append(d.refunds, sales.Refund{Amount: e.Amount.Minor, Dispute: e.DisputeID, At: e.DisputedAt})
		return
	case payment.DisputeClosed:
		d.addLoss(state, e)
		return
	case payment.PaymentRefunded:
		row.Kind, row.Amount = customers.PaymentRefunded, e.Amount.Minor
		d.refunds = append(d.refunds, sales.Refund{Amount: e.Amount.Minor, Parts: sales.SumTickets(e.Tickets), At: e.RefundedAt})
	case payment.RefundSentBack:
		row.Kind, row.Amount = customers.RefundSentBack, e.Amount.Minor
		d.refunds = append(d.refunds, sales.Refund{Amount: -e.Amount.Minor, Parts: sales.SumTickets(e.Tickets), At: e.SentBackAt})
	default:
		return
	}
	d.addHistory(r, row)
}

func (d *paymentDetails) addLoss(state payment.State, e payment.DisputeClosed) {
	for _, dispute := range state.Disputes {
		if dispute.ID == e.DisputeID && !e.Won {
			d.refunds = append(d.refunds, sales.Refund{Amount: dispute.Amount.Minor, Dispute: e.DisputeID, Lost: true, At: e.ClosedAt})
		}
	}
}

// customerTrace is what a stream leaves with its customer: when they were seen, and the history that it adds. Of that only a digest is
// kept: the history of all streams would be as large as the log.
type customerTrace struct {
	first, last time.Time
	history     digest
}

func (t *customerTrace) see(r *eventstore.Recorded, customerID string) {
	if r.Version == 1 {
		t.first, t.last = r.RecordedAt, r.RecordedAt
	}
	if r.Metadata.Actor == customerID && r.RecordedAt.After(t.last) {
		t.last = r.RecordedAt
	}
}

func (t *customerTrace) addHistory(r *eventstore.Recorded, row customers.HistoryRow) {
	row.Position, row.At = r.Position, projection.At(r.RecordedAt)
	if err := t.history.add(row); err != nil {
		panic(err) // it has only texts, numbers and times
	}
}

// digest is a sum over rows of customer_history in their order.
type digest struct { //nolint:recvcheck // a value in a map; only add changes it
	rows int
	sum  uint64
}

func (d *digest) add(row customers.HistoryRow) error {
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	sum := fnv.New64a()
	_, _ = sum.Write(binary.BigEndian.AppendUint64(line, d.sum))
	d.rows, d.sum = d.rows+1, sum.Sum64()
	return nil
}

func (d digest) String() string { return fmt.Sprintf("%d entries, sum %x", d.rows, d.sum) }
