package verify

import (
	"context"
	"slices"

	"ticketing/command/audit"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/availability"
	"ticketing/projector/customers"
	"ticketing/projector/events"
	"ticketing/projector/payments"
	"ticketing/projector/projection"
	"ticketing/projector/reservations"
	"ticketing/projector/sales"
)

// table is a read table that has a row for each stream of some kind.
type table struct {
	projection projection.Projection
	name       string
	key        string                 // the column with the row's id
	stream     func(id string) string // the stream of a row
	ids        func() []string        // of the rows that the log wants, of what of it is in memory, sorted
	// compareRows compares the rows with these ids, and returns those that have not reached the log's version.
	compareRows func(ctx context.Context, c *comparison, ids []string) (behind []string, err error)
}

// tables returns all tables that have a row for each stream. The others depend on these.
func (x *expected) tables() []table { return slices.Concat(x.eventTables(), x.reservationTables()) }

// eventTables returns the tables with a row for each event or inventory.
func (x *expected) eventTables() []table {
	return []table{
		{
			projection: events.Projection{}, name: "events", key: "id", stream: event.Stream,
			ids:         func() []string { return sortedKeys(x.log.Events) },
			compareRows: rowComparison[eventRow]{x.eventRow, eventExpression, nil}.compareRows,
		}, {
			projection: availability.Projection{}, name: "inventories", key: "event_id", stream: inventory.Stream,
			ids:         func() []string { return sortedKeys(x.log.Inventories) },
			compareRows: compareInventories,
		},
	}
}

// reservationTables returns the tables with a row for each reservation or payment.
func (x *expected) reservationTables() []table {
	reservationIDs := func() []string { return sortedKeys(x.log.Reservations) }
	paymentIDs := func() []string { return sortedKeys(x.log.Payments) }
	return []table{
		{
			projection: reservations.Projection{}, name: "reservations", key: "id", stream: reservation.Stream, ids: reservationIDs,
			compareRows: rowComparison[reservations.Row]{x.reservationRow, wholeRow, nil}.compareRows,
		}, {
			projection: payments.Projection{}, name: "payments", key: "id", stream: payment.Stream, ids: paymentIDs,
			compareRows: rowComparison[payments.Row]{x.paymentRow, wholeRow, nil}.compareRows,
		}, {
			projection: sales.Projection{}, name: "sale_payments", key: "id", stream: payment.Stream, ids: paymentIDs,
			compareRows: rowComparison[sales.PaymentRow]{x.salePaymentRow, wholeRow, nil}.compareRows,
		}, {
			projection: sales.Projection{}, name: "sale_reservations", key: "id", stream: reservation.Stream, ids: reservationIDs,
			compareRows: rowComparison[sales.ReservationRow]{x.saleReservationRow, wholeRow, withoutRefunds}.compareRows,
		},
		x.customerTable(),
	}
}

// customerTable returns the table with a row for each stream of a customer.
func (x *expected) customerTable() table {
	return table{
		projection: customers.Projection{}, name: "customer_streams", key: "id", stream: func(id string) string { return id },
		ids: x.customerStreams, compareRows: rowComparison[customers.StreamRow]{x.customerStreamRow, wholeRow, nil}.compareRows,
	}
}

func (x *expected) customerStreams() []string {
	ids := make([]string, 0, len(x.log.Reservations)+len(x.log.Payments))
	for id := range x.log.Reservations {
		ids = append(ids, reservation.Stream(id))
	}
	for id := range x.log.Payments {
		ids = append(ids, payment.Stream(id))
	}
	slices.Sort(ids)
	return ids
}

// head returns how far the stream of a row was read, nil if nothing of it was.
func (c *comparison) head(id string) *audit.Head { return c.expected.log.Head(c.stream(id)) }
