package query

import (
	"context"
	"fmt"

	"ticketing/internal/money"
	"ticketing/query/db"
)

// Reader reads the read tables. All of its methods answer what is committed there now; lists are stable while rows are added, since
// pages are cut by key and not by number.
type Reader struct {
	db    *db.Queries
	lists *db.Queries // planned for what is asked for
}

// NewReader answers a reader over a pool (or a transaction) of the database that holds the read tables.
func NewReader(pool db.DBTX) *Reader { return &Reader{db: db.New(pool), lists: db.New(planned{pool})} }

// Inventories answers the inventories of those of the events that have one, with their sections in the order of being added.
func (r *Reader) Inventories(ctx context.Context, eventIDs []string) (map[string]Inventory, error) {
	rows, err := r.db.InventoriesWithSections(ctx, eventIDs)
	if err != nil {
		return nil, fmt.Errorf("query: read inventories: %w", err)
	}
	inventories := make(map[string]Inventory, len(eventIDs))
	for _, row := range rows {
		inv := inventories[row.EventID]
		inv.EventID, inv.Version = row.EventID, row.Version
		inv.Sections = append(inv.Sections, Section{
			EventID: row.EventID, Name: row.Name, Price: money.Money{Minor: row.Price, Currency: row.Currency},
			Capacity: int(row.Capacity), Available: int(row.Available), Reserved: int(row.Reserved), Sold: int(row.Sold),
			Seated: row.Seated,
		})
		inventories[row.EventID] = inv
	}
	return inventories, nil
}

// SeatPage answers numbered seats of a section, row by row. A section that there is not, or of general admission, has none.
func (r *Reader) SeatPage(ctx context.Context, eventID, section string, args PageArgs) (Page[Seat], error) {
	const beforeFirst, afterLast = -1, 1 << 30
	w, err := parseWindow(args, int32(beforeFirst), int32(afterLast), seatList.parseOrdinal)
	if err != nil {
		return Page[Seat]{}, err
	}
	arg := db.SeatsInOrderParams{EventID: eventID, Section: section, After: w.after, Before: w.before, RowLimit: w.rows()}
	seats, err := readSeats(ctx, r.db, arg, w.backward)
	if err != nil {
		return Page[Seat]{}, fmt.Errorf("query: read seats of %s: %w", eventID, err)
	}
	return page(w, seats, func(s Seat) string { return seatList.ordinalCursor(s.Ordinal) }), nil
}

func readSeats(ctx context.Context, q *db.Queries, arg db.SeatsInOrderParams, backward bool) ([]Seat, error) {
	if backward {
		rows, err := q.SeatsInReverse(ctx, db.SeatsInReverseParams(arg))
		return convert(rows, func(row db.SeatsInReverseRow) Seat { return seat(db.SeatsInOrderRow(row)) }), err
	}
	rows, err := q.SeatsInOrder(ctx, arg)
	return convert(rows, seat), err
}

func seat(row db.SeatsInOrderRow) Seat {
	return Seat{Label: row.Label, Status: row.Status, Ordinal: int(row.Ordinal)}
}

// convert maps rows to models.
func convert[Row, T any](rows []Row, f func(Row) T) []T {
	models := make([]T, len(rows))
	for i, row := range rows {
		models[i] = f(row)
	}
	return models
}

// byID indexes models by their ids.
func byID[T any](models []T, id func(T) string) map[string]T {
	indexed := make(map[string]T, len(models))
	for _, m := range models {
		indexed[id(m)] = m
	}
	return indexed
}
