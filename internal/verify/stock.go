package verify

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// stockPage is how many events' sections and seats are read at one moment: each may have 200,000 seats.
const stockPage = 20

// lookAtStock compares what the availability projection keeps: inventories, sections and seats, all of one event at one moment.
func lookAtStock(ctx context.Context, c *comparison, ids []string) (behind []string, err error) {
	for ids := range slices.Chunk(ids, stockPage) {
		err := c.snapshot(ctx, func(tx pgx.Tx) error {
			current, late, err := c.meetInventories(ctx, tx, ids)
			behind = append(behind, late...)
			if err != nil || len(current) == 0 {
				return err
			}
			if err := c.lookAtSections(ctx, tx, current); err != nil {
				return err
			}
			return c.lookAtSeats(ctx, tx, current)
		})
		if err != nil {
			return nil, err
		}
	}
	return behind, nil
}

// meetInventories answers the events whose sections and seats can be compared, and those that are behind.
func (c *comparison) meetInventories(ctx context.Context, tx pgx.Tx, ids []string) (current, behind []string, err error) {
	versions, err := versionsOf(ctx, tx, c.projection, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range sorted(versions) {
		if versions[id] == 0 && c.at(id) == nil {
			continue // a row to lock, for a stream that turned out to have nothing
		}
		same, late, err := c.meet(ctx, id, versions[id])
		if err != nil {
			return nil, nil, err
		}
		if same {
			current = append(current, id)
			c.found.Rows[c.table]++
		}
		if late {
			behind = append(behind, id)
		}
	}
	return current, behind, nil
}

func (c *comparison) lookAtSections(ctx context.Context, tx pgx.Tx, ids []string) error {
	rows, err := tx.Query(ctx, `SELECT event_id, name, to_jsonb(t) FROM sections t WHERE event_id = ANY ($1) ORDER BY event_id, ordinal`, ids)
	if err != nil {
		return fmt.Errorf("verify: read sections: %w", err)
	}
	seen := map[string]bool{}
	var id, name string
	var row []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &name, &row}, func() error {
		c.found.Rows["sections"]++
		key := id + " " + name
		seen[key] = true
		for ordinal, section := range c.log.inventories[id].state.Sections {
			if section.Name == name {
				return c.compareRow("sections", key, c.log.inventories[id].sectionRow(id, ordinal), row)
			}
		}
		c.found.add(Finding{Kind: Differs, Table: "sections", Key: key, Log: "no section", Row: string(row)})
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify: read sections: %w", err)
	}
	for _, id := range ids {
		for _, section := range c.log.inventories[id].state.Sections {
			if key := id + " " + section.Name; !seen[key] {
				c.found.add(Finding{Kind: Differs, Table: "sections", Key: key, Log: "a section", Row: "no row"})
			}
		}
	}
	return nil
}

// place is a seat as a row should have it.
type place struct {
	ordinal int32
	status  string
}

func (c *comparison) lookAtSeats(ctx context.Context, tx pgx.Tx, ids []string) error {
	want := map[string]place{} // of the event whose rows are being read
	of := ""
	next := func(id string) {
		for _, key := range sorted(want) {
			c.found.add(Finding{Kind: Differs, Table: "seats", Key: key, Log: want[key].status, Row: "no row"})
		}
		of, want = id, nil
		if id != "" {
			want = c.log.inventories[id].places(id)
		}
	}
	rows, err := tx.Query(ctx, `SELECT event_id, section, label, ordinal, status FROM seats WHERE event_id = ANY ($1) ORDER BY event_id`, ids)
	if err != nil {
		return fmt.Errorf("verify: read seats: %w", err)
	}
	read := map[string]bool{}
	var id, section, label string
	var got place
	_, err = pgx.ForEachRow(rows, []any{&id, &section, &label, &got.ordinal, &got.status}, func() error {
		if id != of {
			next(id)
			read[id] = true
		}
		c.found.Rows["seats"]++
		key := id + " " + section + " " + label
		expected, ok := want[key]
		delete(want, key)
		switch {
		case !ok:
			c.found.add(Finding{Kind: Differs, Table: "seats", Key: key, Log: "no seat", Row: got.status})
		case expected.status != got.status:
			c.found.add(Finding{Kind: Differs, Table: "seats", Key: key, Column: "status", Log: expected.status, Row: got.status})
		case expected.ordinal != got.ordinal:
			c.found.add(Finding{Kind: Differs, Table: "seats", Key: key, Column: "ordinal",
				Log: strconv.Itoa(int(expected.ordinal)), Row: strconv.Itoa(int(got.ordinal))})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify: read seats: %w", err)
	}
	for _, id := range ids {
		if !read[id] {
			next(id) // it has no rows at all
		}
	}
	next("")
	return nil
}

// places answers all numbered seats of an event by their keys.
func (s *stock) places(eventID string) map[string]place {
	all := map[string]place{}
	for _, section := range s.state.Sections {
		ordinal := int32(0)
		for _, row := range section.Rows {
			for i, status := range row.Seats {
				key := eventID + " " + section.Name + " " + row.Name + "-" + strconv.Itoa(i+1)
				all[key] = place{ordinal: ordinal, status: status.String()}
				ordinal++
			}
		}
	}
	return all
}

// orphans finds sections without an inventory, and seats without a section, which no event's rows lead to.
func orphans(ctx context.Context, c *comparison) error {
	for table, query := range map[string]string{
		"sections": `SELECT s.event_id || ' ' || s.name FROM sections s
			WHERE NOT EXISTS (SELECT FROM inventories i WHERE i.event_id = s.event_id AND i.version > 0) ORDER BY 1`,
		"seats": `SELECT s.event_id || ' ' || s.section || ' ' || s.label FROM seats s
			WHERE NOT EXISTS (SELECT FROM inventories i WHERE i.event_id = s.event_id AND i.version > 0) ORDER BY 1`,
	} {
		rows, err := c.Read.Query(ctx, query)
		if err != nil {
			return fmt.Errorf("verify: read %s: %w", table, err)
		}
		var key string
		_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
			c.found.add(Finding{Kind: Differs, Table: table, Key: key, Log: "nothing", Row: "a row of an event without inventory"})
			return nil
		})
		if err != nil {
			return fmt.Errorf("verify: read %s: %w", table, err)
		}
	}
	return nil
}
