package query

import (
	"context"
	"fmt"
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
	events, err := readEvents(ctx, r.lists, arg, w.backward)
	if err != nil {
		return Page[Event]{}, fmt.Errorf("query: list events: %w", err)
	}
	return page(w, events, func(e Event) string { return eventList.instantCursor(e.CreatedAt, e.ID) }), nil
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
