package verify

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"ticketing/command/inventory"
	"ticketing/projector/availability"
)

// inventoryPage is how many events' sections and seats are read at one moment: each may have 200,000 seats.
const inventoryPage = 20

// compareInventories compares the inventories, sections and seats of events, all of one event at one moment.
func compareInventories(ctx context.Context, c *comparison, ids []string) (behind []string, err error) {
	for ids := range slices.Chunk(ids, inventoryPage) {
		err := c.snapshot(ctx, func(tx pgx.Tx) error {
			current, late, err := c.matchInventories(ctx, tx, ids)
			behind = append(behind, late...)
			if err != nil || len(current) == 0 {
				return err
			}
			if err := c.compareSections(ctx, tx, current); err != nil {
				return err
			}
			return c.compareSeats(ctx, tx, current)
		})
		if err != nil {
			return nil, err
		}
	}
	return behind, nil
}

// matchInventories returns the events whose sections and seats can be compared, and those that are behind.
func (c *comparison) matchInventories(ctx context.Context, tx pgx.Tx, ids []string) (current, behind []string, err error) {
	versions, err := c.rowVersions(ctx, tx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range sortedKeys(versions) {
		if versions[id] == 0 && c.head(id) == nil {
			continue // a row to lock, for a stream of which nothing was applied
		}
		same, late, err := c.matchVersion(ctx, id, versions[id])
		if err != nil {
			return nil, nil, err
		}
		if same {
			current = append(current, id)
			c.report.Rows[c.name]++
		}
		if late {
			behind = append(behind, id)
		}
	}
	return current, behind, nil
}

func (c *comparison) compareSections(ctx context.Context, tx pgx.Tx, ids []string) error {
	seen := map[string]bool{}
	var id, name string
	var row []byte
	rows := query{
		"sections", `SELECT event_id, name, to_jsonb(t) FROM sections t WHERE event_id = ANY ($1) ORDER BY event_id, ordinal`,
		[]any{ids}, []any{&id, &name, &row},
	}
	err := eachRow(ctx, tx, rows, func() error {
		key := id + " " + name
		seen[key] = true
		want := c.expected.sectionRow(id, name)
		if want == nil {
			c.report.Rows["sections"]++
			c.report.add(Finding{Kind: Differs, Table: "sections", Key: key, Log: "no section", Row: string(row)})
			return nil
		}
		return compareRow(c.report, "sections", key, *want, row, nil)
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		for _, section := range c.expected.log.Inventories[id].State.Sections {
			if key := id + " " + section.Name; !seen[key] {
				c.report.add(Finding{Kind: Differs, Table: "sections", Key: key, Log: "a section", Row: "no row"})
			}
		}
	}
	return nil
}

// compareSeats compares the seats of events. It keeps the expected seats of one event at a time.
func (c *comparison) compareSeats(ctx context.Context, tx pgx.Tx, ids []string) error {
	read, of := map[string]bool{}, ""
	var missing map[string]availability.SeatRow // the seats of event `of` that were not read yet
	var got availability.SeatRow
	rows := query{
		"seats", `SELECT event_id, section, label, ordinal, status, accessible, restricted_view, layout FROM seats WHERE event_id = ANY ($1) ORDER BY event_id`,
		[]any{ids}, []any{&got.EventID, &got.Section, &got.Label, &got.Ordinal, &got.Status, &got.Accessible, &got.RestrictedView, &got.Layout},
	}
	err := eachRow(ctx, tx, rows, func() error {
		if got.EventID != of {
			c.reportMissingSeats(missing)
			of, read[got.EventID] = got.EventID, true
			missing = seatRows(of, c.expected.log.Inventories[of].State)
		}
		key := seatKey(got)
		want, ok := missing[key]
		delete(missing, key)
		c.compareSeat(key, want, ok, got)
		return nil
	})
	if err != nil {
		return err
	}
	c.reportMissingSeats(missing)
	for _, id := range ids {
		if !read[id] {
			c.reportMissingSeats(seatRows(id, c.expected.log.Inventories[id].State))
		}
	}
	return nil
}

func (c *comparison) compareSeat(key string, want availability.SeatRow, ok bool, got availability.SeatRow) {
	c.report.Rows["seats"]++
	switch {
	case !ok:
		c.report.add(Finding{Kind: Differs, Table: "seats", Key: key, Log: "no seat", Row: got.Status})
	case want.Status != got.Status:
		c.report.add(Finding{Kind: Differs, Table: "seats", Key: key, Column: "status", Log: want.Status, Row: got.Status})
	case want.Ordinal != got.Ordinal:
		c.report.add(Finding{
			Kind: Differs, Table: "seats", Key: key, Column: "ordinal", Log: strconv.Itoa(int(want.Ordinal)), Row: strconv.Itoa(int(got.Ordinal)),
		})
	case want.Accessible != got.Accessible || want.RestrictedView != got.RestrictedView:
		c.report.add(Finding{Kind: Differs, Table: "seats", Key: key, Column: "accessible, restricted_view", Log: marksOf(want), Row: marksOf(got)})
	case !slices.Equal(want.Layout, got.Layout):
		c.report.add(Finding{Kind: Differs, Table: "seats", Key: key, Column: "layout", Log: fmt.Sprint(want.Layout), Row: fmt.Sprint(got.Layout)})
	}
}

func marksOf(r availability.SeatRow) string { return fmt.Sprint(r.Accessible, ", ", r.RestrictedView) }

func (c *comparison) reportMissingSeats(missing map[string]availability.SeatRow) {
	for _, key := range sortedKeys(missing) {
		c.report.add(Finding{Kind: Differs, Table: "seats", Key: key, Log: missing[key].Status, Row: "no row"})
	}
}

func seatKey(r availability.SeatRow) string { return r.EventID + " " + r.Section + " " + r.Label }

// seatRows returns the rows of all numbered seats of an event, by their keys.
func seatRows(eventID string, state inventory.State) map[string]availability.SeatRow {
	rows := map[string]availability.SeatRow{}
	for _, section := range state.Sections {
		ordinal := int32(0)
		for r, row := range section.Rows {
			for i, status := range row.Seats {
				marks := section.MarksAt(r, i)
				seat := availability.SeatRow{
					EventID: eventID, Section: section.Name, Label: row.Label(i), Ordinal: ordinal, Status: status.String(),
					Accessible: marks&inventory.Accessible != 0, RestrictedView: marks&inventory.RestrictedView != 0,
					Layout: availability.LayoutColumn(row.Layout, i),
				}
				rows[seatKey(seat)] = seat
				ordinal++
			}
		}
	}
	return rows
}

// findOrphans reports sections and seats of events without an inventory, which no row of an inventory leads to.
func (r *run) findOrphans(ctx context.Context) error {
	for table, sql := range map[string]string{
		"sections": `SELECT s.event_id || ' ' || s.name FROM sections s
			WHERE NOT EXISTS (SELECT FROM inventories i WHERE i.event_id = s.event_id AND i.version > 0)
				AND NOT EXISTS (SELECT FROM projection_backlog b WHERE b.projection = 'availability' AND b.stream_id = 'inventory-' || s.event_id)
			ORDER BY 1`,
		"seats": `SELECT s.event_id || ' ' || s.section || ' ' || s.label FROM seats s
			WHERE NOT EXISTS (SELECT FROM inventories i WHERE i.event_id = s.event_id AND i.version > 0)
				AND NOT EXISTS (SELECT FROM projection_backlog b WHERE b.projection = 'availability' AND b.stream_id = 'inventory-' || s.event_id)
			ORDER BY 1`,
	} {
		keys, err := readIDs(ctx, r.Read, table, sql)
		if err != nil {
			return err
		}
		for _, key := range keys {
			r.report.add(Finding{Kind: Differs, Table: table, Key: key, Log: "nothing", Row: "a row of an event without inventory"})
		}
	}
	return nil
}
