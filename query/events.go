package query

import (
	"cmp"
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

// EventPage returns a page of the events that match the filter, newest first.
func (r *Reader) EventPage(ctx context.Context, f EventFilter, args PageArgs) (Page[Event], error) {
	w, err := parseWindow(args, afterAll, beforeAll, eventList.parseInstant)
	if err != nil {
		return Page[Event]{}, err
	}
	if f.findsNothing() {
		return cutPage(w, []Event{}, func(Event) string { return "" }), nil
	}
	arg := db.EventsNewestFirstParams{
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id,
		Status: f.Status, OrganizerID: f.onlyOrganizer(), StartsAfter: f.StartsAfter, StartsBefore: f.StartsBefore, Search: searchQuery(f.Search),
		SeeAll: f.All, Viewer: f.Viewer, RowLimit: w.rowLimit(),
	}
	events, ok, err := r.searchEvents(ctx, w, arg)
	if err == nil && !ok {
		events, err = readEvents(ctx, r.lists, arg, w.backward)
	}
	if err != nil {
		return Page[Event]{}, fmt.Errorf("list events: %w", err)
	}
	return cutPage(w, events, func(e Event) string { return eventList.instantCursor(e.CreatedAt, e.ID) }), nil
}

// searchEvents returns the events of a window if the search matches few events, else false. PostgreSQL has no statistics for prefix matches
// and would scan in list order, through all events if there is one match. So the text index is tried first; if it finds more than few,
// list order is fast anyway.
func (r *Reader) searchEvents(ctx context.Context, w window[instant], arg db.EventsNewestFirstParams) (events []Event, ok bool, err error) {
	const few = 1_000
	if arg.Search == nil {
		return nil, false, nil
	}
	found, err := r.lists.EventsFound(ctx, db.EventsFoundParams{
		OlderThanTime: arg.OlderThanTime, OlderThanID: arg.OlderThanID, NewerThanTime: arg.NewerThanTime, NewerThanID: arg.NewerThanID,
		Status: arg.Status, OrganizerID: arg.OrganizerID, StartsAfter: arg.StartsAfter, StartsBefore: arg.StartsBefore, Search: *arg.Search,
		SeeAll: arg.SeeAll, Viewer: arg.Viewer, RowLimit: few + 1,
	})
	if err != nil || len(found) > few {
		return nil, false, err
	}
	slices.SortFunc(found, func(a, b db.EventsFoundRow) int {
		if w.backward {
			a, b = b, a
		}
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	if len(found) == 0 {
		return nil, true, nil
	}
	ids := convertRows(found[:min(len(found), int(w.rowLimit()))], func(row db.EventsFoundRow) string { return row.ID })
	byID, err := r.Events(ctx, ids)
	for _, id := range ids {
		if e, ok := byID[id]; ok {
			events = append(events, e)
		}
	}
	return events, true, err
}

// onlyOrganizer returns the organizer to whose events the list is restricted, so that an index can be used: only an admin sees drafts of
// others.
func (f EventFilter) onlyOrganizer() *string {
	if f.Status != nil && *f.Status == "DRAFT" && !f.All && f.OrganizerID == nil {
		return &f.Viewer
	}
	return f.OrganizerID
}

func readEvents(ctx context.Context, q *db.Queries, arg db.EventsNewestFirstParams, backward bool) ([]Event, error) {
	if backward {
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
