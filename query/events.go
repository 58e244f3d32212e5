package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ticketing/internal/words"
	"ticketing/query/db"
)

// EventFilter narrows a list of events. Drafts are listed for their organizer (Viewer) and for admins (All) only.
type EventFilter struct {
	Status       *string
	OrganizerID  *string
	StartsAfter  *time.Time // at this moment or later
	StartsBefore *time.Time
	Search       *string // all of its words begin words of the name, the venue or the description
	Viewer       string  // user id, "" for somebody who is not signed in
	All          bool
}

// Events answers those of the events that there are, drafts included: whether the viewer may see one is the caller's to decide.
func (r *Reader) Events(ctx context.Context, ids []string) (map[string]Event, error) {
	rows, err := r.db.EventsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("query: read events: %w", err)
	}
	return byID(convert(rows, event), func(e Event) string { return e.ID }), nil
}

// EventPage answers events that the filter lets through, newest first.
func (r *Reader) EventPage(ctx context.Context, f EventFilter, args PageArgs) (Page[Event], error) {
	w, err := parseWindow(args, afterAll, beforeAll, eventList.parseInstant)
	if err != nil {
		return Page[Event]{}, err
	}
	arg := db.EventsNewestFirstParams{
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id,
		Status: f.Status, OrganizerID: f.organizer(), StartsAfter: f.StartsAfter, StartsBefore: f.StartsBefore, Search: searchQuery(f.Search),
		SeeAll: f.All, Viewer: f.Viewer, RowLimit: w.rows(),
	}
	events, all, err := r.search(ctx, w, arg)
	if err == nil && !all {
		events, err = readEvents(ctx, r.lists, arg, w.backward)
	}
	if err != nil {
		return Page[Event]{}, fmt.Errorf("query: list events: %w", err)
	}
	return page(w, events, func(e Event) string { return eventList.instantCursor(e.CreatedAt, e.ID) }), nil
}

// search answers the events of a window when it searches for words that few of them have, and false otherwise. PostgreSQL can't tell how
// rare words are that begin like one: going through the events in their order, it would look at all of them for one that there is once.
// When there are more, they are soon come upon.
func (r *Reader) search(ctx context.Context, w window[instant], arg db.EventsNewestFirstParams) (events []Event, all bool, err error) {
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
	ids := convert(found[:min(len(found), int(w.rows()))], func(row db.EventsFoundRow) string { return row.ID })
	byID, err := r.Events(ctx, ids)
	for _, id := range ids {
		if e, ok := byID[id]; ok {
			events = append(events, e)
		}
	}
	return events, true, err
}

// organizer answers whose events can be meant at all, so that an index leads there: of drafts nobody but an admin sees others than their own.
func (f EventFilter) organizer() *string {
	if f.Status != nil && *f.Status == "DRAFT" && !f.All && f.OrganizerID == nil {
		return &f.Viewer
	}
	return f.OrganizerID
}

func readEvents(ctx context.Context, q *db.Queries, arg db.EventsNewestFirstParams, backward bool) ([]Event, error) {
	if backward {
		rows, err := q.EventsOldestFirst(ctx, db.EventsOldestFirstParams(arg))
		return convert(rows, func(row db.EventsOldestFirstRow) Event { return event(db.EventsByIDRow(row)) }), err
	}
	rows, err := q.EventsNewestFirst(ctx, arg)
	return convert(rows, func(row db.EventsNewestFirstRow) Event { return event(db.EventsByIDRow(row)) }), err
}

// searchQuery answers nil for a search without words: it asks for nothing, so that it excludes nothing.
func searchQuery(search *string) *string {
	if search == nil {
		return nil
	}
	if q := words.Query(*search); q != "" {
		return &q
	}
	return nil
}

func event(row db.EventsByIDRow) Event {
	e := Event{
		ID: row.ID, Version: row.Version, OrganizerID: row.OrganizerID, Name: row.Name, Description: row.Description,
		Venue: row.Venue, StartsAt: row.StartsAt.UTC(), SalesOpenAt: utc(row.SalesOpenAt), SalesCloseAt: utc(row.SalesCloseAt),
		MaxTicketsPerReservation: int(row.MaxTicketsPerReservation), PaymentAttempts: int(row.PaymentAttempts),
		Status: row.Status, CreatedAt: row.CreatedAt.UTC(),
	}
	if row.MaxTicketsPerCustomer != nil {
		most := int(*row.MaxTicketsPerCustomer)
		e.MaxTicketsPerCustomer = &most
	}
	return e
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
