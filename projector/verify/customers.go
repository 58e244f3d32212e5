package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/audit"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/customers"
	"ticketing/projector/projection"
)

// customerSums are the sums of the streams of one customer.
type customerSums struct {
	row     customers.Row
	spend   map[string]*spend // by currency
	history map[string]digest // by stream
	late    bool              // the row of some stream has not reached the log's version
}

type spend struct{ spent, refunded big.Int }

func (s *spend) row(customerID, currency string) customers.SpendRow {
	net := new(big.Int).Sub(&s.spent, &s.refunded)
	return customers.SpendRow{
		CustomerID: customerID, Currency: currency, Spent: numberOf(&s.spent), Refunded: numberOf(&s.refunded), Net: numberOf(net),
	}
}

// customerPage is how many customers are compared at one moment.
const customerPage = 500

// compareCustomers compares the rows of customers with their streams, all of one customer at one moment. The rows of the streams were
// compared with the log before.
func (r *run) compareCustomers(ctx context.Context) error {
	for after := ""; ; {
		ids, err := readIDs(ctx, r.Read, "customers", `SELECT id FROM (
			(SELECT id FROM customers WHERE id > $1 ORDER BY 1 LIMIT $2)
			UNION (SELECT DISTINCT customer_id FROM customer_streams WHERE customer_id > $1 ORDER BY 1 LIMIT $2)
			UNION (SELECT DISTINCT customer_id FROM customer_spend WHERE customer_id > $1 ORDER BY 1 LIMIT $2)
			UNION (SELECT DISTINCT customer_id FROM customer_history WHERE customer_id > $1 ORDER BY 1 LIMIT $2)) known
			ORDER BY id LIMIT $2`, after, customerPage)
		if err != nil {
			return err
		}
		c := r.comparisonOf(r.expected.customerTable())
		err = r.snapshot(ctx, func(tx pgx.Tx) error { return c.compareCustomerPage(ctx, tx, ids) })
		if r.expected.forget(); err != nil || len(ids) < customerPage {
			return err
		}
		after = ids[len(ids)-1]
	}
}

func (c *comparison) compareCustomerPage(ctx context.Context, tx pgx.Tx, ids []string) error {
	sums, err := c.sumCustomers(ctx, tx, ids)
	if err != nil {
		return err
	}
	if err := c.compareCustomerRows(ctx, tx, ids, sums); err != nil {
		return err
	}
	if err := c.compareSpend(ctx, tx, ids, sums); err != nil {
		return err
	}
	return c.compareHistory(ctx, tx, ids, sums)
}

// customerStream is how far the row of a customer's stream is.
type customerStream struct {
	customerID, streamID string
	version              int64
}

// sumCustomers sums up what the log says of the customers' streams, at the versions that the rows of these streams have.
func (c *comparison) sumCustomers(ctx context.Context, tx pgx.Tx, ids []string) (map[string]*customerSums, error) {
	var streams []customerStream
	var row customerStream
	err := eachRow(ctx, tx, query{
		"customer_streams", `SELECT customer_id, id, version FROM customer_streams WHERE customer_id = ANY ($1) ORDER BY id`,
		[]any{ids}, []any{&row.customerID, &row.streamID, &row.version},
	}, func() error {
		streams = append(streams, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	streamIDs := projection.Column(streams, func(s customerStream) string { return s.streamID })
	reported := audit.NewReport(0) // what can't be applied was reported with the event
	if err := c.expected.log.ReadStreams(ctx, c.Events, streamIDs, c.start.Position, reported); err != nil {
		return nil, err
	}
	all := map[string]*customerSums{}
	for _, s := range streams {
		sums := all[s.customerID]
		if sums == nil {
			sums = &customerSums{
				row: customers.Row{ID: s.customerID}, spend: map[string]*spend{}, history: map[string]digest{},
			}
			all[s.customerID] = sums
		}
		if err := c.addStream(ctx, sums, s.streamID, s.version); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// addStream adds a stream to the sums of its customer, if its state can be brought to the version of its row.
func (c *comparison) addStream(ctx context.Context, sums *customerSums, streamID string, version int64) error {
	h := c.head(streamID)
	if h == nil || h.Version < version {
		reached, err := c.expected.log.CatchUp(ctx, c.Events, streamID, version)
		if err != nil {
			return err
		}
		if h = c.head(streamID); !reached || h == nil {
			sums.late = true // the comparison of the stream's row reports more
			return nil
		}
	}
	if h.Version != version || h.Broken {
		sums.late = true
		return nil
	}
	category, id := eventstore.SplitStreamID(streamID)
	if category == reservation.Category {
		details := c.expected.reservations[streamID]
		sums.see(details.customerTrace)
		sums.history[streamID] = details.history
		sums.addReservation(c.expected.log.Reservations[id].State)
		return nil
	}
	details := c.expected.payments[streamID]
	sums.see(details.customerTrace)
	sums.history[streamID] = details.history
	sums.addPayment(c.expected.log.Payments[id].State)
	return nil
}

func (s *customerSums) addReservation(state reservation.State) {
	tickets := int64(len(state.KeptSeats()))
	s.row.Reservations++
	if state.CompletedAt != nil {
		s.row.Completed++
		s.row.Tickets += tickets
	}
	if state.RefundedAt != nil {
		s.row.Returned++
		s.row.Tickets -= tickets
	}
}

func (s *customerSums) addPayment(state payment.State) {
	if state.CompletedAt == nil {
		return
	}
	currency := state.Amount.Currency
	if s.spend[currency] == nil {
		s.spend[currency] = &spend{}
	}
	sums := s.spend[currency]
	sums.spent.Add(&sums.spent, big.NewInt(state.Amount.Minor))
	sums.refunded.Add(&sums.refunded, big.NewInt(state.RefundedMinor()))
}

func (s *customerSums) see(t customerTrace) {
	if !s.row.FirstSeen.Valid || t.first.Before(s.row.FirstSeen.Time) {
		s.row.FirstSeen = projection.At(t.first)
	}
	if !s.row.LastSeen.Valid || t.last.After(s.row.LastSeen.Time) {
		s.row.LastSeen = projection.At(t.last)
	}
}

func (c *comparison) compareCustomerRows(ctx context.Context, tx pgx.Tx, ids []string, all map[string]*customerSums) error {
	found := map[string][]byte{}
	var id string
	var row []byte
	rows := query{"customers", `SELECT id, to_jsonb(t) FROM customers t WHERE id = ANY ($1)`, []any{ids}, []any{&id, &row}}
	err := eachRow(ctx, tx, rows, func() error {
		found[id] = slices.Clone(row)
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		sums := all[id]
		switch {
		case sums == nil:
			c.report.add(Finding{Kind: Differs, Table: "customers", Key: id, Log: "nothing", Row: "a customer without streams"})
		case sums.late:
			c.report.add(Finding{Kind: Behind, Table: "customers", Key: id, Log: "more", Row: "less"})
		case found[id] == nil:
			c.report.add(Finding{Kind: Differs, Table: "customers", Key: id, Log: "a customer", Row: "no row"})
		default:
			if err := compareRow(c.report, "customers", id, sums.row, found[id], nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) compareSpend(ctx context.Context, tx pgx.Tx, ids []string, all map[string]*customerSums) error {
	seen := map[string]bool{}
	var customerID, currency string
	var row []byte
	rows := query{
		"customer_spend", `SELECT customer_id, currency, to_jsonb(t) FROM customer_spend t WHERE customer_id = ANY ($1) ORDER BY 1, 2`,
		[]any{ids}, []any{&customerID, &currency, &row},
	}
	err := eachRow(ctx, tx, rows, func() error {
		sums, key := all[customerID], customerID+" "+currency
		seen[key] = true
		switch {
		case sums == nil || sums.late: // reported already
		case sums.spend[currency] == nil:
			c.report.add(Finding{Kind: Differs, Table: "customer_spend", Key: key, Log: "nothing", Row: string(row)})
		default:
			return compareRow(c.report, "customer_spend", key, sums.spend[currency].row(customerID, currency), row, nil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(all) {
		for _, currency := range sortedKeys(all[id].spend) {
			if key := id + " " + currency; !seen[key] && !all[id].late {
				c.report.add(Finding{Kind: Differs, Table: "customer_spend", Key: key, Log: "something was spent", Row: "no row"})
			}
		}
	}
	return nil
}

func (c *comparison) compareHistory(ctx context.Context, tx pgx.Tx, ids []string, all map[string]*customerSums) error {
	found := map[string]map[string]digest{} // by customer and stream
	var row []byte
	rows := query{
		"customer_history", `SELECT to_jsonb(t) FROM customer_history t WHERE customer_id = ANY ($1) ORDER BY customer_id, position`,
		[]any{ids}, []any{&row},
	}
	err := eachRow(ctx, tx, rows, func() error {
		c.report.Rows["customer_history"]++
		return addHistoryRow(found, row)
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if sums := all[id]; sums != nil && !sums.late {
			c.compareDigests(id, sums.history, found[id])
		}
	}
	return nil
}

func addHistoryRow(digests map[string]map[string]digest, data []byte) error {
	var row customers.HistoryRow
	if err := json.Unmarshal(data, &row); err != nil {
		return fmt.Errorf("decode a row: %w", err)
	}
	streamID := reservation.Stream(row.ReservationID)
	if row.PaymentID != nil {
		streamID = payment.Stream(*row.PaymentID)
	}
	if digests[row.CustomerID] == nil {
		digests[row.CustomerID] = map[string]digest{}
	}
	d := digests[row.CustomerID][streamID]
	if err := d.add(row); err != nil {
		return err
	}
	digests[row.CustomerID][streamID] = d
	return nil
}

func (c *comparison) compareDigests(customerID string, want, found map[string]digest) {
	for _, streamID := range sortedKeys(want) {
		if want[streamID] != found[streamID] {
			c.report.add(Finding{
				Kind: Differs, Table: "customer_history", Key: customerID + " " + streamID,
				Log: want[streamID].String(), Row: found[streamID].String(),
			})
		}
	}
	for _, streamID := range sortedKeys(found) {
		if _, ok := want[streamID]; !ok {
			c.report.add(Finding{
				Kind: Differs, Table: "customer_history", Key: customerID + " " + streamID, Log: "no stream of this customer", Row: found[streamID].String(),
			})
		}
	}
}
