package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ticketing/internal/text"
	"ticketing/internal/words"
	"ticketing/query/db"
)

// EventFilter narrows a list of events. Its conditions are combined with AND; a nil field is none. Drafts are listed only for their
// organizer (Viewer) and for admins (All).
type EventFilter struct {
	Status       *string
	OrganizerID  *string
	StartsAfter  *time.Time // at this moment or later
	StartsBefore *time.Time
	Search       *string // each of its words is the beginning of a word of the name, the venue or the description
	Viewer       string  // user id, "" if not signed in
	All          bool

	Order EventOrder // Default: the newest first.
}

// Events returns the events with the given ids, as far as they exist. They include
// drafts and deleted ones: the caller decides whether the viewer may see one.
func (r *Reader) Events(ctx context.Context, ids []string) (map[string]Event, error) {
	rows, err := r.db.EventsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return indexByID(convertRows(rows, newEvent), func(e Event) string { return e.ID }), nil
}

// EventPage returns a page of the events that match the filter, in its order.
func (r *Reader) EventPage(ctx context.Context, f EventFilter, args PageArgs) (Page[Event], error) {
	w, err := parseWindow(args, eventKey{}, eventKey{}, f.Order.parseCursor)
	if err != nil {
		return Page[Event]{}, err
	}
	if f.findsNothing() {
		return cutPage(w, []Event{}, func(Event) string { return "" }), nil
	}
	keys, ok, err := r.findFewEvents(ctx, f, w)
	if err == nil && !ok && f.Order.By == ByCreation {
		events, err := readEvents(ctx, r.lists, f, w)
		if err != nil {
			return Page[Event]{}, fmt.Errorf("list events: %w", err)
		}
		return cutPage(w, events, func(e Event) string { return f.Order.cursor(eventKey{at: e.CreatedAt, id: e.ID}) }), nil
	}
	if err == nil && !ok {
		keys, err = readEventKeys(ctx, r.lists, f, w)
	}
	if err != nil {
		return Page[Event]{}, fmt.Errorf("list events: %w", err)
	}
	return r.eventPageOf(ctx, cutPage(w, keys, f.Order.cursor))
}

// eventPageOf returns the page with the events of the keys.
func (r *Reader) eventPageOf(ctx context.Context, keys Page[eventKey]) (Page[Event], error) {
	p := Page[Event]{Items: []Event{}, Info: keys.Info}
	if len(keys.Items) == 0 {
		return p, nil
	}
	byID, err := r.Events(ctx, convertRows(keys.Items, func(k eventKey) string { return k.id }))
	for i, key := range keys.Items {
		if e, ok := byID[key.id]; ok {
			p.Items, p.Cursors = append(p.Items, e), append(p.Cursors, keys.Cursors[i])
		}
	}
	return p, err
}

// findFewEvents returns the keys of the events in a window if the filter matches few events, else false. PostgreSQL has no statistics for prefix
// matches, and no index for each filter in each order: it would scan in list order, through all events if there is one match. So the indexes of
// filters are tried first; if they find more than few, list order is fast anyway. In the order of creation, filters have indexes for that.
func (r *Reader) findFewEvents(ctx context.Context, f EventFilter, w window[eventKey]) (keys []eventKey, ok bool, err error) {
	const few = 1_000
	search := searchQuery(f.Search)
	if search == nil && f.Order.By == ByCreation {
		return nil, false, nil
	}
	found, err := r.lists.EventsFound(ctx, db.EventsFoundParams{
		Status: f.Status, OrganizerID: f.onlyOrganizer(), StartsAfter: f.StartsAfter, StartsBefore: f.StartsBefore, Search: search,
		SeeAll: f.All, Viewer: f.Viewer, RowLimit: few + 1,
	})
	if err != nil || len(found) > few {
		return nil, false, err
	}
	low, high := f.Order.between(w)
	for _, row := range found {
		key := f.Order.keyOf(row)
		if (low == nil || low.compare(key) < 0) && (high == nil || key.compare(*high) < 0) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, eventKey.compare)
	if !f.Order.readsUp(w) {
		slices.Reverse(keys)
	}
	return keys[:min(len(keys), int(w.rowLimit()))], true, nil
}

// onlyOrganizer returns the organizer to whose events the list is restricted, so that an index can be used: only an admin sees drafts of
// others.
func (f EventFilter) onlyOrganizer() *string {
	if f.Status != nil && *f.Status == "DRAFT" && !f.All && f.OrganizerID == nil {
		return &f.Viewer
	}
	return f.OrganizerID
}

// readEvents reads a list in the order of creation.
func readEvents(ctx context.Context, q *db.Queries, f EventFilter, w window[eventKey]) ([]Event, error) {
	arg := db.EventsNewestFirstParams{
		OlderThanTime: afterAll.at, NewerThanTime: beforeAll.at,
		Status: f.Status, OrganizerID: f.onlyOrganizer(), StartsAfter: f.StartsAfter, StartsBefore: f.StartsBefore, Search: searchQuery(f.Search),
		SeeAll: f.All, Viewer: f.Viewer, RowLimit: w.rowLimit(),
	}
	low, high := f.Order.between(w)
	if low != nil {
		arg.NewerThanTime, arg.NewerThanID = low.at, low.id
	}
	if high != nil {
		arg.OlderThanTime, arg.OlderThanID = high.at, high.id
	}
	if f.Order.readsUp(w) {
		rows, err := q.EventsOldestFirst(ctx, db.EventsOldestFirstParams(arg))
		return convertRows(rows, func(row db.EventsOldestFirstRow) Event { return newEvent(db.EventsByIDRow(row)) }), err
	}
	rows, err := q.EventsNewestFirst(ctx, arg)
	return convertRows(rows, func(row db.EventsNewestFirstRow) Event { return newEvent(db.EventsByIDRow(row)) }), err
}

// findsNothing reports whether the search has symbols and no word: only words are searched for, and it must not find everything.
func (f EventFilter) findsNothing() bool {
	return f.Search != nil && !text.IsBlank(*f.Search) && searchQuery(f.Search) == nil
}

// searchQuery returns nil for a search without words.
func searchQuery(search *string) *string {
	if search == nil {
		return nil
	}
	if q := words.Query(*search); q != "" {
		return &q
	}
	return nil
}

func newEvent(row db.EventsByIDRow) Event {
	e := Event{
		ID: row.ID, Version: row.Version, OrganizerID: row.OrganizerID, Name: row.Name, Description: row.Description,
		Venue: row.Venue, StartsAt: row.StartsAt.UTC(), TimeZone: row.TimeZone, SalesOpenAt: toUTC(row.SalesOpenAt), SalesCloseAt: toUTC(row.SalesCloseAt),
		MaxTicketsPerReservation: int(row.MaxTicketsPerReservation), PaymentAttempts: int(row.PaymentAttempts),
		Status: row.Status, Withdrawn: row.Withdrawn, Deleted: row.Deleted, CancellationReason: row.CancellationReason, CreatedAt: row.CreatedAt.UTC(),
	}
	if row.MaxTicketsPerCustomer != nil {
		most := int(*row.MaxTicketsPerCustomer)
		e.MaxTicketsPerCustomer = &most
	}
	return e
}

func toUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
