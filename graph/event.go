package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

type eventResolver struct{ *Resolver }

// Event implements generated.QueryResolver.
func (r queryResolver) Event(ctx context.Context, eventID string, minVersion *int) (*query.Event, error) {
	everyone := func(query.Event) error { return nil } // to others a draft does not exist: no error, but null
	e, err := lookup[query.Event]{id.Event, loadersOf(ctx).events, r.feeds.events, everyone}.find(ctx, eventID, minVersion)
	if e = hideDraft(ctx, e); e == nil || err != nil || minVersion == nil {
		return e, err
	}
	return r.withLoggedInventory(ctx, e)
}

// hideDraft returns nil for an event that the viewer may not know of.
func hideDraft(ctx context.Context, e *query.Event) *query.Event {
	if e == nil || !canSeeEvent(ctx, *e) {
		return nil
	}
	return e
}

// Events implements generated.QueryResolver.
func (r queryResolver) Events(ctx context.Context, f *model.EventFilter, order *model.EventOrder, first *int, after *string, last *int, before *string) (*model.EventConnection, error) {
	filter, err := eventFilter(ctx, f)
	if err != nil {
		return nil, err
	}
	filter.Order = eventOrder(order)
	page, err := r.reads.EventPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before})
	loadersOf(ctx).addEvents(page.Items)
	return newConnection(page), err
}

// eventFilter lists drafts for their organizer and for admins only.
func eventFilter(ctx context.Context, f *model.EventFilter) (query.EventFilter, error) {
	viewer, _ := auth.FromContext(ctx)
	filter := query.EventFilter{All: viewer.HasRole(auth.RoleAdmin)}
	if viewer.HasRole(auth.RoleOrganizer) {
		filter.Viewer = viewer.UserID
	}
	if f == nil {
		return filter, nil
	}
	filter.Status, filter.OrganizerID, filter.Search = f.Status, f.OrganizerID, f.Search
	filter.StartsAfter, filter.StartsBefore = f.StartsAfter, f.StartsBefore
	if err := checkSearch(f.Search); err != nil {
		return filter, err
	}
	return filter, checkIDs(id.User, f.OrganizerID)
}

func eventOrder(o *model.EventOrder) query.EventOrder {
	if o == nil {
		return query.EventOrder{}
	}
	by := map[model.EventOrderField]query.EventKey{
		model.EventOrderFieldCreatedAt: query.ByCreation, model.EventOrderFieldStartsAt: query.ByStart, model.EventOrderFieldName: query.ByName,
	}[o.Field]
	return query.EventOrder{By: by, Ascending: o.Direction == model.OrderDirectionAsc}
}

// Reservations implements generated.EventResolver.
func (r eventResolver) Reservations(ctx context.Context, e *query.Event, f *model.ReservationFilter, order *model.CreationOrder, first *int, after *string, last *int, before *string) (*model.ReservationConnection, error) {
	if err := requireOrganizer(ctx, *e); err != nil {
		return nil, err
	}
	return r.reservationsOf(ctx, query.OfEvents, e.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before, Reversed: isOldestFirst(order)})
}

// Payments implements generated.EventResolver.
func (r eventResolver) Payments(ctx context.Context, e *query.Event, f *model.PaymentFilter, order *model.CreationOrder, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	if err := requireOrganizer(ctx, *e); err != nil {
		return nil, err
	}
	return r.paymentsOf(ctx, query.OfEvents, e.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before, Reversed: isOldestFirst(order)})
}

// CreateEvent implements generated.MutationResolver.
func (r mutationResolver) CreateEvent(ctx context.Context, in model.CreateEventInput) (*model.CreateEventPayload, error) {
	created, wrong, err := mutate(ctx, withOptionalKey(in.IdempotencyKey), createEventForm(in), r.commands.CreateEvent)
	return &model.CreateEventPayload{Event: eventView(created), UserErrors: wrong}, err
}

func createEventForm(in model.CreateEventInput) form[event.Create] {
	var c checker
	create := event.Create{
		Name:        c.readLine(in.Name, event.LongestName, "name"),
		Description: textOf(c.readText(in.Description, event.LongestDescription, "description")),
		Venue:       c.readLine(in.Venue, event.LongestVenue, "venue"),
		StartsAt:    in.StartsAt, TimeZone: textOf(in.TimeZone), SalesOpenAt: in.SalesOpenAt, SalesCloseAt: in.SalesCloseAt,
		MaxTicketsPerReservation: in.MaxTicketsPerReservation, MaxTicketsPerCustomer: in.MaxTicketsPerCustomer,
		PaymentAttempts: in.PaymentAttempts,
	}
	return form[event.Create]{create, c.errs}
}

// UpdateEvent implements generated.MutationResolver.
func (r mutationResolver) UpdateEvent(ctx context.Context, in model.UpdateEventInput) (*model.EventPayload, error) {
	return changeEvent(ctx, updateEventForm(in), func(ctx context.Context, by command.Caller, update event.Update) (command.Event, error) {
		return r.commands.UpdateEvent(ctx, by, in.EventID, update)
	})
}

func updateEventForm(in model.UpdateEventInput) form[event.Update] {
	var c checker
	c.checkID(id.Event, in.EventID, "eventId")
	update := event.Update{
		Name:        c.readOptionalLine(requireValue(&c, in.Name, "name"), event.LongestName, "name"),
		Description: c.readText(in.Description.Value(), event.LongestDescription, "description"),
		Venue:       c.readOptionalLine(requireValue(&c, in.Venue, "venue"), event.LongestVenue, "venue"),
		StartsAt:    requireValue(&c, in.StartsAt, "startsAt"), TimeZone: requireValue(&c, in.TimeZone, "timeZone"), SalesOpenAt: in.SalesOpenAt.Value(), SalesCloseAt: in.SalesCloseAt.Value(),
		Reason:           textOf(c.readText(in.Reason, event.LongestReason, "reason")),
		ClearSalesOpenAt: isNull(in.SalesOpenAt), ClearSalesCloseAt: isNull(in.SalesCloseAt),
		MaxTicketsPerReservation: requireValue(&c, in.MaxTicketsPerReservation, "maxTicketsPerReservation"),
		MaxTicketsPerCustomer:    in.MaxTicketsPerCustomer.Value(), ClearMaxTicketsPerCustomer: isNull(in.MaxTicketsPerCustomer),
		PaymentAttempts: requireValue(&c, in.PaymentAttempts, "paymentAttempts"),
	}
	if isNull(in.Description) {
		update.Description = new("")
	}
	return form[event.Update]{update, c.errs}
}

// isNull reports whether the client sent null, not whether it left the field out.
func isNull[T any](field graphql.Omittable[*T]) bool {
	return field.IsSet() && field.Value() == nil
}

// requireValue returns the value of a field that may be left out, but not be taken away with null.
func requireValue[T any](c *checker, field graphql.Omittable[*T], name string) *T {
	if isNull(field) {
		c.addError([]string{name}, "%s cannot be null: leave it out to keep it as it is", name)
	}
	return field.Value()
}

// PublishEvent implements generated.MutationResolver.
func (r mutationResolver) PublishEvent(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, eventIDForm(in.EventID), r.commands.PublishEvent)
}

// OpenSales implements generated.MutationResolver.
func (r mutationResolver) OpenSales(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, eventIDForm(in.EventID), r.commands.OpenSales)
}

// CloseSales implements generated.MutationResolver.
func (r mutationResolver) CloseSales(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, eventIDForm(in.EventID), r.commands.CloseSales)
}

// CompleteEvent implements generated.MutationResolver.
func (r mutationResolver) CompleteEvent(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, eventIDForm(in.EventID), r.commands.CompleteEvent)
}

// DeleteDraft implements generated.MutationResolver.
func (r mutationResolver) DeleteDraft(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, eventIDForm(in.EventID), r.commands.DeleteDraft)
}

// CancelEvent implements generated.MutationResolver.
func (r mutationResolver) CancelEvent(ctx context.Context, in model.CancelEventInput) (*model.EventPayload, error) {
	return changeEvent(ctx, cancelEventForm(in), func(ctx context.Context, by command.Caller, reason string) (command.Event, error) {
		return r.commands.CancelEvent(ctx, by, in.EventID, reason)
	})
}

func cancelEventForm(in model.CancelEventInput) form[string] {
	var c checker
	c.checkID(id.Event, in.EventID, "eventId")
	reason := textOf(c.readText(in.Reason, event.LongestReason, "reason"))
	return form[string]{reason, c.errs}
}

func eventIDForm(eventID string) form[string] {
	var c checker
	c.checkID(id.Event, eventID, "eventId")
	return form[string]{eventID, c.errs}
}

// changeEvent runs a mutation of an event that exists.
func changeEvent[C any](ctx context.Context, in form[C], change func(context.Context, command.Caller, C) (command.Event, error)) (*model.EventPayload, error) {
	changed, wrong, err := mutate(ctx, withoutKey, in, change)
	return &model.EventPayload{Event: eventView(changed), UserErrors: wrong}, err
}

// eventView returns what a mutation decided as the read side will have it in a moment; nil when nothing was
// decided or the event was deleted.
func eventView(e command.Event) *query.Event {
	if e.ID == "" || e.Deleted {
		return nil
	}
	return &query.Event{
		ID: e.ID, Version: e.Version, OrganizerID: e.OrganizerID, Name: e.Name, Description: e.Description, Venue: e.Venue,
		StartsAt: e.StartsAt, TimeZone: e.TimeZone, SalesOpenAt: e.SalesOpenAt, SalesCloseAt: e.SalesCloseAt,
		MaxTicketsPerReservation: e.MaxTicketsPerReservation, MaxTicketsPerCustomer: e.MaxTicketsPerCustomer,
		PaymentAttempts: e.PaymentAttempts, Status: string(e.Status), Withdrawn: e.Withdrawn(), CreatedAt: e.CreatedAt,
		CancellationReason: nullIfEmpty(e.CancellationReason), Inventory: inventoryView(e),
	}
}
