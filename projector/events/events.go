// Package events projects what tickets are sold for, and whether it is on sale.
package events

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/event"
	"ticketing/internal/announce"
	"ticketing/internal/words"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Projection keeps the table events.
type Projection struct{}

// Name implements projection.Projection.
func (Projection) Name() string { return "events" }

// Categories implements projection.Projection.
func (Projection) Categories() []string { return []string{event.Category} }

// Tables implements projection.Projection.
func (Projection) Tables() []string { return []string{"events"} }

// Apply implements projection.Projection.
func (Projection) Apply(ctx context.Context, tx pgx.Tx, batch []projection.Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadEvents(ctx, projection.AggregateIDs(batch))
	if err != nil {
		return nil, fmt.Errorf("load events: %w", err)
	}
	changed, err := projection.Fold(batch, projection.Column(loaded, func(l db.LoadEventsRow) Row { return Row(l) }))
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := q.SaveEvents(ctx, saveParams(changed)); err != nil {
		return nil, fmt.Errorf("save events: %w", err)
	}
	return projection.Column(changed, func(r *Row) announce.Change {
		return announce.Change{Kind: announce.Event, ID: r.ID, Version: r.Version}
	}), nil
}

// Row is a row of the table events, without the column search, which is made of the others.
type Row db.LoadEventsRow

// Head implements projection.Row.
func (r *Row) Head() (string, int64) { return event.Stream(r.ID), r.Version }

// Apply implements projection.Row.
func (r *Row) Apply(record *projection.Record) error {
	created, isFirst := record.Event.(event.EventCreated)
	if isFirst != (record.Version == 1) {
		return record.Misplaced()
	}
	r.Version = record.Version
	switch e := record.Event.(type) {
	case event.EventCreated:
		return r.create(record.AggregateID(), created)
	case event.EventUpdated:
		r.Name, r.Description, r.Venue = e.Name, e.Description, e.Venue
		r.StartsAt, r.TimeZone = projection.At(e.StartsAt), cmp.Or(e.TimeZone, event.DefaultTimeZone)
		r.SalesOpenAt, r.SalesCloseAt = projection.AtOrNull(e.SalesOpenAt), projection.AtOrNull(e.SalesCloseAt)
		if e.Limits != nil {
			return r.setLimits(*e.Limits)
		}
	case event.EventPublished:
		r.Status = string(event.Published)
	case event.DraftDeleted:
		r.remove()
	case event.SalesOpened:
		r.Status = string(event.SalesOpen)
	case event.SalesClosed:
		r.Status = string(event.SalesShut)
	case event.EventCancelled:
		r.Withdrawn = r.Status == string(event.Draft)
		r.Status, r.CancellationReason = string(event.Cancelled), projection.TextOrNull(e.Reason)
	case event.EventCompleted:
		r.Status = string(event.Completed)
	default:
		return record.Misplaced()
	}
	return nil
}

func (r *Row) create(id string, e event.EventCreated) error {
	*r = Row{
		ID: id, Version: 1, OrganizerID: e.OrganizerID, Name: e.Name, Description: e.Description, Venue: e.Venue,
		StartsAt: projection.At(e.StartsAt), TimeZone: cmp.Or(e.TimeZone, event.DefaultTimeZone), SalesOpenAt: projection.AtOrNull(e.SalesOpenAt),
		SalesCloseAt: projection.AtOrNull(e.SalesCloseAt), Status: string(event.Draft), CreatedAt: projection.At(e.CreatedAt),
	}
	return r.setLimits(event.Limits{
		MaxTicketsPerReservation: e.MaxTicketsPerReservation, MaxTicketsPerCustomer: e.MaxTicketsPerCustomer, PaymentAttempts: e.PaymentAttempts,
	})
}

func (r *Row) setLimits(l event.Limits) (err error) {
	if r.MaxTicketsPerReservation, err = projection.Integer(l.MaxTicketsPerReservation); err != nil {
		return fmt.Errorf("maxTicketsPerReservation: %w", err)
	}
	if r.PaymentAttempts, err = projection.Integer(l.PaymentAttempts); err != nil {
		return fmt.Errorf("paymentAttempts: %w", err)
	}
	if r.MaxTicketsPerCustomer = nil; l.MaxTicketsPerCustomer == nil {
		return nil
	}
	most, err := projection.Integer(*l.MaxTicketsPerCustomer)
	if err != nil {
		return fmt.Errorf("maxTicketsPerCustomer: %w", err)
	}
	r.MaxTicketsPerCustomer = &most
	return nil
}

// remove keeps the row for its version, and none of its texts.
func (r *Row) remove() {
	r.Deleted, r.Name, r.Description, r.Venue, r.CancellationReason = true, "", "", "", nil
}

// maxTicketsPerCustomer returns 0 for NULL, as the statement takes it.
func (r *Row) maxTicketsPerCustomer() int32 {
	if r.MaxTicketsPerCustomer == nil {
		return 0
	}
	return *r.MaxTicketsPerCustomer
}

func (r *Row) searchWords() string {
	return strings.Join(words.Of(r.Name, r.Venue, r.Description), " ")
}

func saveParams(rows []*Row) db.SaveEventsParams {
	return db.SaveEventsParams{
		Ids:                       projection.Column(rows, func(r *Row) string { return r.ID }),
		Versions:                  projection.Column(rows, func(r *Row) int64 { return r.Version }),
		OrganizerIds:              projection.Column(rows, func(r *Row) string { return r.OrganizerID }),
		Names:                     projection.Column(rows, func(r *Row) string { return r.Name }),
		Descriptions:              projection.Column(rows, func(r *Row) string { return r.Description }),
		Venues:                    projection.Column(rows, func(r *Row) string { return r.Venue }),
		StartsAts:                 projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.StartsAt }),
		TimeZones:                 projection.Column(rows, func(r *Row) string { return r.TimeZone }),
		SalesOpenAts:              projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.SalesOpenAt }),
		SalesCloseAts:             projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.SalesCloseAt }),
		Statuses:                  projection.Column(rows, func(r *Row) string { return r.Status }),
		CreatedAts:                projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CreatedAt }),
		Withdrawns:                projection.Column(rows, func(r *Row) bool { return r.Withdrawn }),
		CancellationReasons:       projection.Column(rows, func(r *Row) string { return projection.Text(r.CancellationReason) }),
		Deleteds:                  projection.Column(rows, func(r *Row) bool { return r.Deleted }),
		PaymentAttempts:           projection.Column(rows, func(r *Row) int32 { return r.PaymentAttempts }),
		MaxTicketsPerReservations: projection.Column(rows, func(r *Row) int32 { return r.MaxTicketsPerReservation }),
		MaxTicketsPerCustomers:    projection.Column(rows, (*Row).maxTicketsPerCustomer),
		Words:                     projection.Column(rows, (*Row).searchWords),
	}
}
