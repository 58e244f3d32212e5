package projector

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/projector/db"
)

// save writes what the batch changed, streams first: whoever is too late with one has counted nothing.
func (j *journal) save(ctx context.Context, q *db.Queries) error {
	if err := j.saveStreams(ctx, q); err != nil {
		return err
	}
	if err := j.saveCustomers(ctx, q); err != nil {
		return err
	}
	if err := j.saveSpend(ctx, q); err != nil {
		return err
	}
	return j.saveHistory(ctx, q)
}

func (j *journal) saveStreams(ctx context.Context, q *db.Queries) error {
	var added, moved []*customerStream
	for _, id := range slices.Sorted(maps.Keys(j.streams)) {
		switch s := j.streams[id]; {
		case s.expected == 0:
			added = append(added, s)
		case s.expected < s.Version:
			moved = append(moved, s)
		}
	}
	saved := int64(0)
	if len(added) > 0 {
		n, err := q.AddCustomerStreams(ctx, streamColumns(added))
		if err != nil {
			return fmt.Errorf("projector: add streams of customers: %w", err)
		}
		saved += n
	}
	if len(moved) > 0 {
		n, err := q.MoveCustomerStreams(ctx, db.MoveCustomerStreamsParams{
			Ids:      column(moved, func(s *customerStream) string { return s.ID }),
			Expected: column(moved, func(s *customerStream) int64 { return s.expected }),
			Versions: column(moved, func(s *customerStream) int64 { return s.Version }),
		})
		if err != nil {
			return fmt.Errorf("projector: move streams of customers: %w", err)
		}
		saved += n
	}
	if saved != int64(len(added)+len(moved)) {
		return errFenced
	}
	return nil
}

func streamColumns(rows []*customerStream) db.AddCustomerStreamsParams {
	return db.AddCustomerStreamsParams{
		Ids:            column(rows, func(s *customerStream) string { return s.ID }),
		Versions:       column(rows, func(s *customerStream) int64 { return s.Version }),
		CustomerIds:    column(rows, func(s *customerStream) string { return s.CustomerID }),
		EventIds:       column(rows, func(s *customerStream) string { return s.EventID }),
		ReservationIds: column(rows, func(s *customerStream) string { return s.ReservationID }),
		Tickets:        column(rows, func(s *customerStream) int64 { return s.Tickets }),
		Amounts:        column(rows, func(s *customerStream) int64 { return s.Amount }),
		Currencies:     column(rows, func(s *customerStream) string { return s.Currency }),
	}
}

func (j *journal) saveCustomers(ctx context.Context, q *db.Queries) error {
	if len(j.customers) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(j.customers))
	err := q.MoveCustomers(ctx, db.MoveCustomersParams{
		Ids:          ids,
		Reservations: column(ids, func(id string) int64 { return j.customers[id].reservations }),
		Completed:    column(ids, func(id string) int64 { return j.customers[id].completed }),
		Returned:     column(ids, func(id string) int64 { return j.customers[id].returned }),
		Tickets:      column(ids, func(id string) int64 { return j.customers[id].tickets }),
		FirstSeen:    column(ids, func(id string) pgtype.Timestamptz { return j.customers[id].firstSeen }),
		LastSeen:     column(ids, func(id string) pgtype.Timestamptz { return j.customers[id].lastSeen }),
	})
	if err != nil {
		return fmt.Errorf("projector: move customers: %w", err)
	}
	return nil
}

func (j *journal) saveSpend(ctx context.Context, q *db.Queries) error {
	if len(j.spend) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(j.spend), spendKey.compare)
	err := q.MoveCustomerSpend(ctx, db.MoveCustomerSpendParams{
		CustomerIds: column(keys, func(k spendKey) string { return k.customer }),
		Currencies:  column(keys, func(k spendKey) string { return k.currency }),
		Spent:       column(keys, func(k spendKey) int64 { return j.spend[k].spent }),
		Refunded:    column(keys, func(k spendKey) int64 { return j.spend[k].refunded }),
	})
	if err != nil {
		return fmt.Errorf("projector: move what customers spent: %w", err)
	}
	return nil
}

func (k spendKey) compare(other spendKey) int {
	return cmp.Or(cmp.Compare(k.customer, other.customer), cmp.Compare(k.currency, other.currency))
}

func (j *journal) saveHistory(ctx context.Context, q *db.Queries) error {
	if len(j.history) == 0 {
		return nil
	}
	slices.SortFunc(j.history, func(a, b db.CustomerHistory) int { // as the table's key has them: neighbours are written together
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Position, b.Position))
	})
	err := q.AddCustomerHistory(ctx, db.AddCustomerHistoryParams{
		CustomerIds:    column(j.history, func(h db.CustomerHistory) string { return h.CustomerID }),
		Positions:      column(j.history, func(h db.CustomerHistory) int64 { return h.Position }),
		Ats:            column(j.history, func(h db.CustomerHistory) pgtype.Timestamptz { return h.At }),
		Kinds:          column(j.history, func(h db.CustomerHistory) string { return h.Kind }),
		EventIds:       column(j.history, func(h db.CustomerHistory) string { return h.EventID }),
		ReservationIds: column(j.history, func(h db.CustomerHistory) string { return h.ReservationID }),
		PaymentIds:     column(j.history, func(h db.CustomerHistory) string { return text(h.PaymentID) }),
		Tickets:        column(j.history, func(h db.CustomerHistory) int64 { return h.Tickets }),
		Amounts:        column(j.history, func(h db.CustomerHistory) int64 { return h.Amount }),
		Currencies:     column(j.history, func(h db.CustomerHistory) string { return h.Currency }),
	})
	if err != nil {
		return fmt.Errorf("projector: add to the history of customers: %w", err)
	}
	return nil
}
