package customers

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// save writes what the batch changed, streams first: a writer that is too late with one has counted nothing.
func (c *changes) save(ctx context.Context, q *db.Queries) error {
	if err := c.saveStreams(ctx, q); err != nil {
		return err
	}
	if err := c.saveCustomers(ctx, q); err != nil {
		return err
	}
	if err := c.saveSpend(ctx, q); err != nil {
		return err
	}
	return c.saveHistory(ctx, q)
}

func (c *changes) saveStreams(ctx context.Context, q *db.Queries) error {
	var added, moved []*customerStream
	for _, id := range slices.Sorted(maps.Keys(c.streams)) {
		switch s := c.streams[id]; {
		case s.expected == 0:
			added = append(added, s)
		case s.expected < s.Version:
			moved = append(moved, s)
		}
	}
	saved := int64(0)
	if len(added) > 0 {
		n, err := q.AddCustomerStreams(ctx, addParams(added))
		if err != nil {
			return fmt.Errorf("add streams of customers: %w", err)
		}
		saved += n
	}
	if len(moved) > 0 {
		n, err := q.MoveCustomerStreams(ctx, db.MoveCustomerStreamsParams{
			Ids:      projection.Column(moved, func(s *customerStream) string { return s.ID }),
			Expected: projection.Column(moved, func(s *customerStream) int64 { return s.expected }),
			Versions: projection.Column(moved, func(s *customerStream) int64 { return s.Version }),
			Tickets:  projection.Column(moved, func(s *customerStream) int64 { return s.Tickets }),
		})
		if err != nil {
			return fmt.Errorf("move streams of customers: %w", err)
		}
		saved += n
	}
	if saved != int64(len(added)+len(moved)) {
		return projection.ErrFenced
	}
	return nil
}

func addParams(rows []*customerStream) db.AddCustomerStreamsParams {
	return db.AddCustomerStreamsParams{
		Ids:            projection.Column(rows, func(s *customerStream) string { return s.ID }),
		Versions:       projection.Column(rows, func(s *customerStream) int64 { return s.Version }),
		CustomerIds:    projection.Column(rows, func(s *customerStream) string { return s.CustomerID }),
		EventIds:       projection.Column(rows, func(s *customerStream) string { return s.EventID }),
		ReservationIds: projection.Column(rows, func(s *customerStream) string { return s.ReservationID }),
		Tickets:        projection.Column(rows, func(s *customerStream) int64 { return s.Tickets }),
		Amounts:        projection.Column(rows, func(s *customerStream) int64 { return s.Amount }),
		Currencies:     projection.Column(rows, func(s *customerStream) string { return s.Currency }),
	}
}

func (c *changes) saveCustomers(ctx context.Context, q *db.Queries) error {
	if len(c.customers) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(c.customers))
	err := q.MoveCustomers(ctx, db.MoveCustomersParams{
		Ids:          ids,
		Reservations: projection.Column(ids, func(id string) int64 { return c.customers[id].reservations }),
		Completed:    projection.Column(ids, func(id string) int64 { return c.customers[id].completed }),
		Returned:     projection.Column(ids, func(id string) int64 { return c.customers[id].returned }),
		Tickets:      projection.Column(ids, func(id string) int64 { return c.customers[id].tickets }),
		FirstSeen:    projection.Column(ids, func(id string) pgtype.Timestamptz { return c.customers[id].firstSeen }),
		LastSeen:     projection.Column(ids, func(id string) pgtype.Timestamptz { return c.customers[id].lastSeen }),
	})
	if err != nil {
		return fmt.Errorf("move customers: %w", err)
	}
	return nil
}

func (c *changes) saveSpend(ctx context.Context, q *db.Queries) error {
	if len(c.spend) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(c.spend), compareSpend)
	err := q.MoveCustomerSpend(ctx, db.MoveCustomerSpendParams{
		CustomerIds: projection.Column(keys, func(k spendKey) string { return k.customer }),
		Currencies:  projection.Column(keys, func(k spendKey) string { return k.currency }),
		Spent:       projection.Column(keys, func(k spendKey) string { return c.spend[k].spent.String() }),
		Refunded:    projection.Column(keys, func(k spendKey) string { return c.spend[k].refunded.String() }),
	})
	if err != nil {
		return fmt.Errorf("move what customers spent: %w", err)
	}
	return nil
}

func compareSpend(a, b spendKey) int {
	return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.currency, b.currency))
}

func (c *changes) saveHistory(ctx context.Context, q *db.Queries) error {
	if len(c.history) == 0 {
		return nil
	}
	slices.SortFunc(c.history, func(a, b HistoryRow) int { // as the table's key: neighbours are written together
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Position, b.Position))
	})
	err := q.AddCustomerHistory(ctx, db.AddCustomerHistoryParams{
		CustomerIds:    projection.Column(c.history, func(h HistoryRow) string { return h.CustomerID }),
		Positions:      projection.Column(c.history, func(h HistoryRow) int64 { return h.Position }),
		Ats:            projection.Column(c.history, func(h HistoryRow) pgtype.Timestamptz { return h.At }),
		Kinds:          projection.Column(c.history, func(h HistoryRow) string { return h.Kind }),
		EventIds:       projection.Column(c.history, func(h HistoryRow) string { return h.EventID }),
		ReservationIds: projection.Column(c.history, func(h HistoryRow) string { return h.ReservationID }),
		PaymentIds:     projection.Column(c.history, func(h HistoryRow) string { return projection.Text(h.PaymentID) }),
		Tickets:        projection.Column(c.history, func(h HistoryRow) int64 { return h.Tickets }),
		Amounts:        projection.Column(c.history, func(h HistoryRow) int64 { return h.Amount }),
		Currencies:     projection.Column(c.history, func(h HistoryRow) string { return h.Currency }),
	})
	if err != nil {
		return fmt.Errorf("add to the history of customers: %w", err)
	}
	return nil
}
