package query

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ticketing/query/db"
)

// ErrBehind means that the read side does not have the wanted version yet.
var ErrBehind = errors.New("the read side is behind")

// keySeparator separates the event's id, which does not have it, from the section's name in the key of a section.
const keySeparator = "/"

// SeatFilter narrows a list of seats. Its conditions are combined with AND; a nil field is none.
type SeatFilter struct {
	Status         *string
	Accessible     *bool
	RestrictedView *bool
}

// Count returns how many seats of a section the filter leaves, if the section's counts say it.
func (f SeatFilter) Count(s Section) (count int, known bool) {
	switch {
	case !s.Seated:
		return 0, true
	case f.Accessible != nil || f.RestrictedView != nil:
		return 0, false
	case f.Status == nil:
		return s.Capacity, true
	}
	count, known = map[string]int{"AVAILABLE": s.Available, "RESERVED": s.Reserved, "SOLD": s.Sold, "BLOCKED": s.Blocked}[*f.Status]
	return count, known
}

// SeatPagesOf returns a page of the numbered seats of each of several sections, row by row, in one query. Sections are named by their keys.
// One that does not exist, or of general admission, has an empty page.
func (r *Reader) SeatPagesOf(ctx context.Context, keys []string, f SeatFilter, args PageArgs) (map[string]Page[Seat], error) {
	const beforeFirst, afterLast = -1, 1 << 30
	w, err := parseWindow(args, int32(beforeFirst), int32(afterLast), seatList.parseOrdinal)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return map[string]Page[Seat]{}, nil
	}
	arg := db.SeatsInOrderParams{
		After: w.after, Before: w.before, RowLimit: w.rowLimit(), Status: f.Status, Accessible: f.Accessible, RestrictedView: f.RestrictedView,
	}
	arg.EventIds, arg.Sections = splitKeys(keys)
	rows, err := readSeats(ctx, r.db, arg, w.backward)
	if err != nil {
		return nil, fmt.Errorf("read seats: %w", err)
	}
	pages := make(map[string]Page[Seat], len(keys))
	for key, page := range cutPages(w, keys, rows, keyOfSeat, cursorOfSeat) {
		pages[key] = Page[Seat]{Items: convertRows(page.Items, newSeat), Cursors: page.Cursors, Info: page.Info}
	}
	return pages, nil
}

func keyOfSeat(row db.SeatsInOrderRow) string { return row.EventID + keySeparator + row.Section }

func cursorOfSeat(row db.SeatsInOrderRow) string { return seatList.ordinalCursor(int(row.Ordinal)) }

// splitKeys returns the events and the names of sections.
func splitKeys(keys []string) (eventIDs, names []string) {
	for _, key := range keys {
		eventID, name, _ := strings.Cut(key, keySeparator)
		eventIDs, names = append(eventIDs, eventID), append(names, name)
	}
	return eventIDs, names
}

func readSeats(ctx context.Context, q *db.Queries, arg db.SeatsInOrderParams, backward bool) ([]db.SeatsInOrderRow, error) {
	if !backward {
		return q.SeatsInOrder(ctx, arg)
	}
	rows, err := q.SeatsInReverse(ctx, db.SeatsInReverseParams(arg))
	return convertRows(rows, func(row db.SeatsInReverseRow) db.SeatsInOrderRow { return db.SeatsInOrderRow(row) }), err
}

func newSeat(row db.SeatsInOrderRow) Seat {
	return Seat{Section: row.Section, Label: row.Label, Status: row.Status, Ordinal: int(row.Ordinal), Accessible: row.Accessible, RestrictedView: row.RestrictedView}
}

// SeatMap is all numbered seats of a section. Version is that of the inventory.
type SeatMap struct {
	Version int64
	Rows    []SeatMapRow
}

// SeatMapRow is a row of a seat map. States has a character for each seat, by its status. Labels are nil when the seats are numbered from 1.
type SeatMapRow struct {
	Row    string
	Labels []string
	States string
	Layout *RowLayout // nil: none was given
}

// RowLayout is where the first seat of a row is, in distances between seats, and in which direction the others follow, in degrees.
type RowLayout struct{ X, Y, Rotation float64 }

// stateOf returns the character of a status.
var stateOf = map[string]byte{"AVAILABLE": '.', "RESERVED": 'r', "SOLD": 's', "BLOCKED": 'b'}

// SeatMaps returns the seat maps of sections, which are named by their keys, in one query. Sections without numbered seats are missing.
func (r *Reader) SeatMaps(ctx context.Context, keys []string) (map[string]SeatMap, error) {
	const all = 1 << 30
	arg := db.SeatsOfSectionsParams{RowLimit: all}
	arg.EventIds, arg.Sections = splitKeys(keys)
	rows, err := r.db.SeatsOfSections(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("read seat maps: %w", err)
	}
	sections := map[string][]db.SeatsOfSectionsRow{}
	for _, row := range rows {
		key := row.EventID + keySeparator + row.Section
		sections[key] = append(sections[key], row)
	}
	maps := make(map[string]SeatMap, len(sections))
	for key, seats := range sections {
		maps[key] = SeatMap{Version: seats[0].Version, Rows: seatMapRows(seats)}
	}
	return maps, nil
}

// seatMapRows cuts the seats of a section, row by row.
func seatMapRows(seats []db.SeatsOfSectionsRow) (rows []SeatMapRow) {
	for len(seats) > 0 {
		name, _ := splitLabel(seats[0].Label)
		row, counted := SeatMapRow{Row: name, Layout: newRowLayout(seats[0].Layout)}, true
		var states []byte
		for len(seats) > 0 {
			next, number := splitLabel(seats[0].Label)
			if next != name {
				break
			}
			row.Labels, states = append(row.Labels, number), append(states, stateOf[seats[0].Status])
			counted = counted && number == strconv.Itoa(len(states))
			seats = seats[1:]
		}
		if row.States = string(states); counted {
			row.Labels = nil
		}
		rows = append(rows, row)
	}
	return rows
}

// newRowLayout returns the layout in the column of a row's first seat.
func newRowLayout(column []float64) *RowLayout {
	if len(column) != 3 {
		return nil
	}
	return &RowLayout{X: column[0], Y: column[1], Rotation: column[2]}
}

// splitLabel splits "<row>-<number>".
func splitLabel(label string) (row, number string) {
	i := strings.LastIndexByte(label, '-')
	if i < 0 {
		return "", label
	}
	return label[:i], label[i+1:]
}

// SeatName names a numbered seat of an event.
type SeatName struct{ Section, Label string }

// SeatsByLabel returns seats of an event as they are at a version of its inventory or a later one, by name, in one query. Seats that do not
// exist are missing. It returns ErrBehind when the read side does not have the version.
func (r *Reader) SeatsByLabel(ctx context.Context, eventID string, version int64, names []SeatName) (map[SeatName]Seat, error) {
	arg := db.SeatsByLabelParams{EventID: eventID}
	for _, name := range names {
		arg.Sections, arg.Labels = append(arg.Sections, name.Section), append(arg.Labels, name.Label)
	}
	rows, err := r.db.SeatsByLabel(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("read seats of %s: %w", eventID, err)
	}
	seats := make(map[SeatName]Seat, len(rows))
	for _, row := range rows {
		if row.Version < version {
			return nil, ErrBehind
		}
		seats[SeatName{row.Section, row.Label}] = Seat{
			Section: row.Section, Label: row.Label, Status: row.Status, Ordinal: int(row.Ordinal), Accessible: row.Accessible, RestrictedView: row.RestrictedView,
		}
	}
	return seats, nil
}
