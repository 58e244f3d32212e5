package query

import (
	"context"
	"fmt"

	"ticketing/internal/money"
	"ticketing/query/db"
)

// Reader reads the read tables. Its methods return what is committed there now. Lists are stable while rows are added: pages are cut by key,
// not by number.
type Reader struct {
	db    *db.Queries
	lists *db.Queries // planned for their arguments
}

// NewReader returns a reader over a pool or a transaction of the database that holds the read tables.
func NewReader(pool db.DBTX) *Reader { return &Reader{db: db.New(pool), lists: db.New(planned{pool})} }

// Inventories returns the inventories of the events, by event, with their sections in the order in which they were added. An event without
// sections is missing from the result.
func (r *Reader) Inventories(ctx context.Context, eventIDs []string) (map[string]Inventory, error) {
	rows, err := r.db.InventoriesWithSections(ctx, eventIDs)
	if err != nil {
		return nil, fmt.Errorf("read inventories: %w", err)
	}
	inventories := make(map[string]Inventory, len(eventIDs))
	for _, row := range rows {
		inv := inventories[row.EventID]
		inv.EventID, inv.Version = row.EventID, row.Version
		inv.Sections = append(inv.Sections, Section{
			EventID: row.EventID, Name: row.Name, Price: money.Money{Minor: row.Price, Currency: row.Currency},
			Capacity: int(row.Capacity), Available: int(row.Available), Reserved: int(row.Reserved), Sold: int(row.Sold),
			Blocked: int(row.Blocked), Seated: row.Seated, Ordinal: len(inv.Sections),
		})
		inventories[row.EventID] = inv
	}
	return inventories, nil
}

// convertRows converts rows to models.
func convertRows[Row, T any](rows []Row, f func(Row) T) []T {
	models := make([]T, len(rows))
	for i, row := range rows {
		models[i] = f(row)
	}
	return models
}

// indexByID indexes models by their ids.
func indexByID[T any](models []T, id func(T) string) map[string]T {
	indexed := make(map[string]T, len(models))
	for _, m := range models {
		indexed[id(m)] = m
	}
	return indexed
}
