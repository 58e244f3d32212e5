package verify

import (
	"ticketing/command/audit"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	identifier "ticketing/internal/id"
	"ticketing/internal/words"
	"ticketing/projector/availability"
	"ticketing/projector/customers"
	"ticketing/projector/events"
	"ticketing/projector/payments"
	"ticketing/projector/projection"
	"ticketing/projector/reservations"
	"ticketing/projector/sales"
)

// expected is what the log says: the states of the aggregates, and what the rows have beside them.
type expected struct {
	log          *audit.Log
	reservations map[string]*reservationDetails // by stream
	payments     map[string]*paymentDetails     // by stream

	// What leads on to other streams, as often as it occurs.
	foundReservations []string // ids of those that inventories have held seats for
	foundPayments     []string // ids of those that were requested for reservations
}

func newExpected(registry *eventstore.Registry) *expected {
	x := &expected{reservations: map[string]*reservationDetails{}, payments: map[string]*paymentDetails{}}
	x.log = audit.New(audit.Config{Registry: registry, Observe: x.observe})
	return x
}

// forgetReservations makes room for other reservations and payments.
func (x *expected) forgetReservations() {
	x.log.ForgetReservations()
	clear(x.reservations)
	clear(x.payments)
}

// forget makes room for other streams.
func (x *expected) forget() {
	x.forgetReservations()
	x.log.Forget()
	x.foundReservations, x.foundPayments = nil, nil
}

// eventRow is a row of the table events with all its columns.
type eventRow struct {
	events.Row

	Search []string `json:"search"` // its words, sorted
}

func (x *expected) eventRow(id string) (row eventRow, err error) {
	e := x.log.Events[id]
	s := e.State
	row = eventRow{Search: words.Of(s.Name, s.Venue, s.Description), Row: events.Row{
		ID: id, Version: e.Version, OrganizerID: s.OrganizerID, Name: s.Name, Description: s.Description, Venue: s.Venue,
		StartsAt: projection.At(s.StartsAt), TimeZone: s.TimeZone, SalesOpenAt: projection.AtOrNull(s.SalesOpenAt), SalesCloseAt: projection.AtOrNull(s.SalesCloseAt),
		Status: string(s.Status), Withdrawn: s.Withdrawn(), Deleted: s.Deleted, CreatedAt: projection.At(s.CreatedAt),
		CancellationReason: projection.TextOrNull(s.CancellationReason),
	}}
	if row.Search == nil {
		row.Search = []string{}
	}
	if row.MaxTicketsPerReservation, err = projection.Integer(s.MaxTicketsPerReservation); err != nil {
		return row, err
	}
	if row.PaymentAttempts, err = projection.Integer(s.PaymentAttempts); err != nil {
		return row, err
	}
	row.MaxTicketsPerCustomer, err = integerOrNull(s.MaxTicketsPerCustomer)
	return row, err
}

func integerOrNull(n *int) (*int32, error) {
	if n == nil {
		return nil, nil //nolint:nilnil // NULL is a value
	}
	value, err := projection.Integer(*n)
	return &value, err
}

func (x *expected) reservationRow(id string) (row reservations.Row, err error) {
	r, details := x.log.Reservations[id], x.reservations[reservation.Stream(id)]
	s := r.State
	row = reservations.Row{
		ID: id, Version: r.Version, EventID: s.EventID, CustomerID: s.CustomerID, Status: string(s.Status),
		Total: s.Total.Minor, Currency: s.Total.Currency, CreatedAt: projection.At(s.CreatedAt), ExpiresAt: projection.At(s.ExpiresAt),
		CompletedAt: projection.AtOrNull(s.CompletedAt), ExpiredAt: projection.AtOrNull(s.ExpiredAt),
		CancelledAt: projection.AtOrNull(s.CancelledAt), CompensatedAt: projection.AtOrNull(s.CompensatedAt),
		RefundedAt: projection.AtOrNull(s.RefundedAt),
	}
	seats := make([]reservations.Seat, len(s.Seats))
	for ordinal, seat := range s.Seats {
		seats[ordinal] = reservations.Seat{Seat: seat, Void: s.HasReturned(ordinal)}
	}
	if row.Seats, err = projection.JSON(seats); err != nil {
		return row, err
	}
	tickets := 0
	if s.CompletedAt != nil {
		tickets = len(seats)
	}
	if row.Tickets, err = reservations.TicketIDs(id, tickets); err != nil {
		return row, err
	}
	row.Metadata, err = projection.JSON(reservations.Metadata{
		CorrelationID: details.correlationID, PaymentID: details.requested, AttemptsLeft: s.AttemptsLeft, Reason: details.reason,
	})
	return row, err
}

func (x *expected) paymentRow(id string) (row payments.Row, err error) {
	p, details := x.log.Payments[id], x.payments[payment.Stream(id)]
	s := p.State
	row = payments.Row{
		ID: id, Version: p.Version, ReservationID: s.ReservationID, CustomerID: s.CustomerID, EventID: s.EventID,
		Amount: s.Amount.Minor, Refunded: s.RefundedMinor(), Currency: s.Amount.Currency, Status: string(s.Status), Gateway: s.Gateway,
		TransactionID: projection.TextOrNull(s.TransactionID), FailureCode: projection.TextOrNull(string(s.FailureCode)),
		FailureReason: projection.TextOrNull(s.FailureReason), CreatedAt: projection.At(s.CreatedAt),
		CompletedAt: projection.AtOrNull(s.CompletedAt), FailedAt: projection.AtOrNull(s.FailedAt),
	}
	row.Refunds, err = projection.JSON(projection.Column(s.Refunds, func(r payment.Refund) payments.Refund {
		return payments.Refund{ID: r.ID, Amount: r.Amount, Status: r.Status, Reason: r.Reason, Failure: r.Failure, CreatedAt: r.RequestedAt}
	}))
	if err != nil {
		return row, err
	}
	row.Disputes, err = projection.JSON(projection.Column(s.Disputes, func(d payment.Dispute) payments.Dispute {
		return payments.Dispute{
			ID: identifier.DisputeOf(s.Gateway, d.ID), GatewayID: d.ID, Amount: d.Amount, Status: d.Status, Reason: d.Reason, CreatedAt: d.CreatedAt,
		}
	}))
	if err != nil {
		return row, err
	}
	row.Metadata, err = projection.JSON(payments.Metadata{CorrelationID: details.correlationID, Method: s.Method})
	return row, err
}

// saleReservationRow leaves out what the log alone does not say: how often the row was written, and what of the payment, which is at a
// version of its own, is counted in it. compareSales compares that.
func (x *expected) saleReservationRow(id string) (row sales.ReservationRow, err error) {
	r := x.log.Reservations[id]
	s := r.State
	row = sales.ReservationRow{
		ID: id, Version: r.Version, EventID: s.EventID, Currency: s.Total.Currency,
		SoldAt: projection.AtOrNull(s.CompletedAt), ReturnedAt: projection.AtOrNull(s.RefundedAt),
		TimeZone: s.TimeZone,
	}
	if s.Status == reservation.Completed || s.Status == reservation.Refunded {
		row.PaymentID = projection.TextOrNull(s.PaymentID)
	}
	sections := sumSeats(s.Seats)
	for i := range sections {
		sections[i].Returns = x.reservations[reservation.Stream(id)].returns[sections[i].Name]
	}
	row.Sections, err = projection.JSON(sections)
	return row, err
}

func sumSeats(seats []reservation.Seat) []sales.Section {
	sections, ordinals := []sales.Section{}, map[string]int{}
	for _, seat := range seats {
		i, ok := ordinals[seat.Section]
		if !ok {
			i = len(sections)
			ordinals[seat.Section] = i
			sections = append(sections, sales.Section{Name: seat.Section})
		}
		sections[i].Tickets++
		sections[i].Gross += seat.Price.Minor
	}
	return sections
}

func (x *expected) salePaymentRow(id string) (row sales.PaymentRow, err error) {
	p, refunds := x.log.Payments[id], x.payments[payment.Stream(id)].refunds
	if refunds == nil {
		refunds = []sales.Refund{}
	}
	row = sales.PaymentRow{ID: id, Version: p.Version, ReservationID: p.State.ReservationID, EventID: p.State.EventID}
	row.Refunds, err = projection.JSON(refunds)
	return row, err
}

func (x *expected) customerStreamRow(streamID string) (customers.StreamRow, error) {
	category, id := eventstore.SplitStreamID(streamID)
	if category == reservation.Category {
		r := x.log.Reservations[id]
		return customers.StreamRow{
			ID: streamID, Version: r.Version, CustomerID: r.State.CustomerID, EventID: r.State.EventID, ReservationID: id,
			Tickets: int64(len(r.State.KeptSeats())), Amount: r.State.Total.Minor, Currency: r.State.Total.Currency,
		}, nil
	}
	p := x.log.Payments[id]
	return customers.StreamRow{
		ID: streamID, Version: p.Version, CustomerID: p.State.CustomerID, EventID: p.State.EventID, ReservationID: p.State.ReservationID,
		Amount: p.State.Amount.Minor, Currency: p.State.Amount.Currency,
	}, nil
}

// sectionRow returns the row of a section, nil if the event has none of this name.
func (x *expected) sectionRow(eventID, name string) *availability.SectionRow {
	for ordinal, s := range x.log.Inventories[eventID].State.Sections {
		if s.Name == name {
			return &availability.SectionRow{
				EventID: eventID, Name: s.Name, Ordinal: int32(ordinal), Price: s.Price.Minor, Currency: s.Price.Currency, Seated: s.Seated(),
				Capacity: int32(s.Capacity), Available: int32(s.Available()), Reserved: int32(s.Reserved), Sold: int32(s.Sold), Blocked: int32(s.Blocked), //nolint:gosec // bounded by the aggregate
			}
		}
	}
	return nil
}
