package query

import (
	"cmp"
	"context"
	"strings"
	"time"

	"ticketing/query/db"
)

// EventOrder is the order of a list of events. The zero value is the newest first.
type EventOrder struct {
	By        EventKey
	Ascending bool
}

// EventKey is what a list of events is ordered by.
type EventKey int

// Lists are ordered by when their events were made, by when they begin, or by their names without case. The id orders those that are equal.
const (
	ByCreation EventKey = iota
	ByStart
	ByName
)

// eventKey is the place of an event in a list: a time or a name, and the id.
type eventKey struct {
	at   time.Time
	name string
	id   string
}

// compare compares as the database does: names by their bytes.
func (k eventKey) compare(other eventKey) int {
	return cmp.Or(k.at.Compare(other.at), strings.Compare(k.name, other.name), strings.Compare(k.id, other.id))
}

// list names the list of cursors, so that those of another order are refused.
func (o EventOrder) list() list {
	l := eventList + [...]list{ByCreation: "", ByStart: "-start", ByName: "-name"}[o.By]
	if o.Ascending {
		l += "-up"
	}
	return l
}

func (o EventOrder) cursor(k eventKey) string {
	if o.By == ByName {
		return o.list().encodeCursor("0", k.id+":"+k.name)
	}
	return o.list().instantCursor(k.at, k.id)
}

func (o EventOrder) parseCursor(cursor string) (eventKey, error) {
	if o.By != ByName {
		parsed, err := o.list().parseInstant(cursor)
		return eventKey{at: parsed.at, id: parsed.id}, err
	}
	_, rest, ok := o.list().decodeCursor(cursor)
	eventID, name, found := strings.Cut(rest, ":")
	if !ok || !found || eventID == "" {
		return eventKey{}, newMalformedCursor()
	}
	return eventKey{name: name, id: eventID}, nil
}

// between returns the keys between which a window lies, whichever way it is read; nil: there is no bound.
func (o EventOrder) between(w window[eventKey]) (low, high *eventKey) {
	if w.hasAfter {
		low = &w.after
	}
	if w.hasBefore {
		high = &w.before
	}
	if !o.Ascending {
		low, high = high, low
	}
	return low, high
}

// readsUp reports whether a window is read from the low end.
func (o EventOrder) readsUp(w window[eventKey]) bool { return o.Ascending != w.backward }

func (o EventOrder) keyOf(row db.EventsFoundRow) eventKey {
	switch o.By {
	case ByStart:
		return eventKey{at: row.StartsAt, id: row.ID}
	case ByName:
		return eventKey{name: row.SortName, id: row.ID}
	default:
		return eventKey{at: row.CreatedAt, id: row.ID}
	}
}

// readEventKeys reads a list in the order of starts or names.
func readEventKeys(ctx context.Context, q *db.Queries, f EventFilter, w window[eventKey]) ([]eventKey, error) {
	read := readNameKeys
	if f.Order.By == ByStart {
		read = readStartKeys
	}
	rows, err := read(ctx, q, f, w)
	return convertRows(rows, f.Order.keyOf), err
}

func readStartKeys(ctx context.Context, q *db.Queries, f EventFilter, w window[eventKey]) ([]db.EventsFoundRow, error) {
	arg := db.EventsByStartParams{
		Status: f.Status, OrganizerID: f.onlyOrganizer(), StartsAfter: f.StartsAfter, StartsBefore: f.StartsBefore, Search: searchQuery(f.Search),
		SeeAll: f.All, Viewer: f.Viewer, RowLimit: w.rowLimit(),
	}
	low, high := f.Order.between(w)
	if low != nil {
		arg.Low, arg.LowID = &low.at, low.id
	}
	if high != nil {
		arg.High, arg.HighID = &high.at, high.id
	}
	if f.Order.readsUp(w) {
		rows, err := q.EventsByStart(ctx, arg)
		return convertRows(rows, func(row db.EventsByStartRow) db.EventsFoundRow { return db.EventsFoundRow(row) }), err
	}
	rows, err := q.EventsByStartReversed(ctx, db.EventsByStartReversedParams(arg))
	return convertRows(rows, func(row db.EventsByStartReversedRow) db.EventsFoundRow { return db.EventsFoundRow(row) }), err
}

func readNameKeys(ctx context.Context, q *db.Queries, f EventFilter, w window[eventKey]) ([]db.EventsFoundRow, error) {
	arg := db.EventsByNameParams{
		Status: f.Status, OrganizerID: f.onlyOrganizer(), StartsAfter: f.StartsAfter, StartsBefore: f.StartsBefore, Search: searchQuery(f.Search),
		SeeAll: f.All, Viewer: f.Viewer, RowLimit: w.rowLimit(),
	}
	low, high := f.Order.between(w)
	if low != nil {
		arg.Low, arg.LowID = &low.name, low.id
	}
	if high != nil {
		arg.High, arg.HighID = &high.name, high.id
	}
	if f.Order.readsUp(w) {
		rows, err := q.EventsByName(ctx, arg)
		return convertRows(rows, func(row db.EventsByNameRow) db.EventsFoundRow { return db.EventsFoundRow(row) }), err
	}
	rows, err := q.EventsByNameReversed(ctx, db.EventsByNameReversedParams(arg))
	return convertRows(rows, func(row db.EventsByNameReversedRow) db.EventsFoundRow { return db.EventsFoundRow(row) }), err
}
