package projector

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/event"
	"ticketing/internal/announce"
	"ticketing/internal/words"
	"ticketing/projector/db"
)

// events keeps what the occasions are and whether they are on sale.
type events struct{}

func (events) Name() string         { return "events" }
func (events) Categories() []string { return []string{event.Category} }
func (events) Tables() []string     { return []string{"events"} }

func (events) Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadEvents(ctx, subjects(batch))
	if err != nil {
		return nil, fmt.Errorf("projector: load events: %w", err)
	}
	own := make([]eventRow, len(loaded))
	for i, l := range loaded {
		own[i] = eventRow(l)
	}
	changed, err := fold[eventRow](batch, own)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := q.SaveEvents(ctx, eventColumns(changed)); err != nil {
		return nil, fmt.Errorf("projector: save events: %w", err)
	}
	return column(changed, func(e *eventRow) announce.Change {
		return announce.Change{Kind: announce.Event, ID: e.ID, Version: e.Version}
	}), nil
}

type eventRow db.LoadEventsRow

func (e *eventRow) key() (string, int64) { return e.ID, e.Version }

func (e *eventRow) evolve(r *Record) error {
	created, isFirst := r.Event.(event.EventCreated)
	if isFirst != (r.Version == 1) {
		return errOrder(r)
	}
	e.Version = r.Version
	switch domainEvent := r.Event.(type) {
	case event.EventCreated:
		return e.create(r.subject(), created)
	case event.EventUpdated:
		e.Name, e.Description, e.Venue = domainEvent.Name, domainEvent.Description, domainEvent.Venue
		e.StartsAt = at(domainEvent.StartsAt)
		e.SalesOpenAt, e.SalesCloseAt = atMaybe(domainEvent.SalesOpenAt), atMaybe(domainEvent.SalesCloseAt)
	case event.EventPublished:
		e.Status = "PUBLISHED"
	case event.SalesOpened:
		e.Status = "SALES_OPEN"
	case event.SalesClosed:
		e.Status = "SALES_CLOSED"
	case event.EventCancelled:
		e.Status = "CANCELLED"
	case event.EventCompleted:
		e.Status = "COMPLETED"
	default:
		return errOrder(r)
	}
	return nil
}

func (e *eventRow) create(id string, created event.EventCreated) (err error) {
	*e = eventRow{
		ID: id, Version: 1, OrganizerID: created.OrganizerID, Name: created.Name, Description: created.Description,
		Venue: created.Venue, StartsAt: at(created.StartsAt), SalesOpenAt: atMaybe(created.SalesOpenAt),
		SalesCloseAt: atMaybe(created.SalesCloseAt), Status: "DRAFT", CreatedAt: at(created.CreatedAt),
	}
	if e.MaxTicketsPerReservation, err = integer(created.MaxTicketsPerReservation); err != nil {
		return fmt.Errorf("maxTicketsPerReservation: %w", err)
	}
	if e.PaymentAttempts, err = integer(created.PaymentAttempts); err != nil {
		return fmt.Errorf("paymentAttempts: %w", err)
	}
	if created.MaxTicketsPerCustomer != nil {
		most, err := integer(*created.MaxTicketsPerCustomer)
		if err != nil {
			return fmt.Errorf("maxTicketsPerCustomer: %w", err)
		}
		e.MaxTicketsPerCustomer = &most
	}
	return nil
}

func eventColumns(rows []*eventRow) db.SaveEventsParams {
	return db.SaveEventsParams{
		Ids:                       column(rows, func(e *eventRow) string { return e.ID }),
		Versions:                  column(rows, func(e *eventRow) int64 { return e.Version }),
		OrganizerIds:              column(rows, func(e *eventRow) string { return e.OrganizerID }),
		Names:                     column(rows, func(e *eventRow) string { return e.Name }),
		Descriptions:              column(rows, func(e *eventRow) string { return e.Description }),
		Venues:                    column(rows, func(e *eventRow) string { return e.Venue }),
		StartsAts:                 column(rows, func(e *eventRow) pgtype.Timestamptz { return e.StartsAt }),
		SalesOpenAts:              column(rows, func(e *eventRow) pgtype.Timestamptz { return e.SalesOpenAt }),
		SalesCloseAts:             column(rows, func(e *eventRow) pgtype.Timestamptz { return e.SalesCloseAt }),
		Statuses:                  column(rows, func(e *eventRow) string { return e.Status }),
		CreatedAts:                column(rows, func(e *eventRow) pgtype.Timestamptz { return e.CreatedAt }),
		PaymentAttempts:           column(rows, func(e *eventRow) int32 { return e.PaymentAttempts }),
		MaxTicketsPerReservations: column(rows, func(e *eventRow) int32 { return e.MaxTicketsPerReservation }),
		MaxTicketsPerCustomers: column(rows, func(e *eventRow) int32 {
			if e.MaxTicketsPerCustomer == nil {
				return 0 // NULL, in the statement
			}
			return *e.MaxTicketsPerCustomer
		}),
		Words: column(rows, func(e *eventRow) string {
			return strings.Join(words.Of(e.Name, e.Venue, e.Description), " ")
		}),
	}
}
