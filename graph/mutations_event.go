package graph

import (
	"context"

	"ticketing/command"
	"ticketing/graph/model"
	"ticketing/query"
)

type mutationResolver struct{ *Resolver }

// CreateEvent implements generated.MutationResolver.
func (r mutationResolver) CreateEvent(ctx context.Context, in model.CreateEventInput) (*model.CreateEventPayload, error) {
	create, wrong := createEvent(in)
	if wrong != nil {
		return &model.CreateEventPayload{UserErrors: wrong}, nil
	}
	by, err := callerMaybeOnce(ctx, in.IdempotencyKey)
	if err != nil {
		wrong, err = userErrors(err)
		return &model.CreateEventPayload{UserErrors: wrong}, err
	}
	created, err := r.commands.CreateEvent(ctx, by, create)
	payload, err := eventPayload(created, err)
	return &model.CreateEventPayload{Event: payload.Event, UserErrors: payload.UserErrors}, err
}

// UpdateEvent implements generated.MutationResolver.
func (r mutationResolver) UpdateEvent(ctx context.Context, in model.UpdateEventInput) (*model.EventPayload, error) {
	update, wrong := updateEvent(in)
	if wrong != nil {
		return &model.EventPayload{UserErrors: wrong}, nil
	}
	return eventPayload(r.commands.UpdateEvent(ctx, caller(ctx), in.EventID, update))
}

// AddInventory implements generated.MutationResolver.
func (r mutationResolver) AddInventory(ctx context.Context, in model.AddInventoryInput) (*model.AddInventoryPayload, error) {
	add, wrong := addInventory(in)
	if wrong != nil {
		return &model.AddInventoryPayload{UserErrors: wrong}, nil
	}
	e, err := r.commands.AddInventory(ctx, caller(ctx), in.EventID, add)
	payload, err := eventPayload(e, err)
	return &model.AddInventoryPayload{Event: payload.Event, Section: section(payload.Event, in.Section), UserErrors: payload.UserErrors}, err
}

// PublishEvent implements generated.MutationResolver.
func (r mutationResolver) PublishEvent(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, in, r.commands.PublishEvent)
}

// OpenSales implements generated.MutationResolver.
func (r mutationResolver) OpenSales(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, in, r.commands.OpenSales)
}

// CloseSales implements generated.MutationResolver.
func (r mutationResolver) CloseSales(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, in, r.commands.CloseSales)
}

// CompleteEvent implements generated.MutationResolver.
func (r mutationResolver) CompleteEvent(ctx context.Context, in model.EventIDInput) (*model.EventPayload, error) {
	return changeEvent(ctx, in, r.commands.CompleteEvent)
}

// CancelEvent implements generated.MutationResolver.
func (r mutationResolver) CancelEvent(ctx context.Context, in model.CancelEventInput) (*model.EventPayload, error) {
	if wrong := checkEvent(in.EventID, in.Reason); wrong != nil {
		return &model.EventPayload{UserErrors: wrong}, nil
	}
	return eventPayload(r.commands.CancelEvent(ctx, caller(ctx), in.EventID, value(in.Reason)))
}

type eventCommand func(ctx context.Context, by command.Caller, eventID string) (command.Event, error)

func changeEvent(ctx context.Context, in model.EventIDInput, change eventCommand) (*model.EventPayload, error) {
	if wrong := checkEvent(in.EventID, nil); wrong != nil {
		return &model.EventPayload{UserErrors: wrong}, nil
	}
	return eventPayload(change(ctx, caller(ctx), in.EventID))
}

// eventPayload answers the event, or why there is none.
func eventPayload(e command.Event, err error) (*model.EventPayload, error) {
	if err != nil {
		wrong, err := userErrors(err)
		return &model.EventPayload{UserErrors: wrong}, err
	}
	return &model.EventPayload{Event: eventView(e)}, nil
}

func section(e *query.Event, name string) *query.Section {
	if e == nil {
		return nil
	}
	for i := range e.Inventory.Sections {
		if e.Inventory.Sections[i].Name == name {
			return &e.Inventory.Sections[i]
		}
	}
	return nil
}
