package graph

import (
	"context"
	"strconv"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

type accessLogEntryResolver struct{ *Resolver }

// AuditLog implements generated.QueryResolver.
func (r queryResolver) AuditLog(ctx context.Context, objectID, which string, first *int, after *string, last *int, before *string) (*model.AuditLogConnection, error) {
	stream, err := auditStream(objectID, which)
	if err != nil {
		return nil, err
	}
	list := func(ctx context.Context, w query.Window) ([]eventstore.Recorded, error) {
		return r.log.Range(ctx, stream, eventstore.Range{After: w.After, Before: w.Before, Limit: w.Rows, Backward: w.Backward})
	}
	page, err := query.VersionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before}, list,
		func(r eventstore.Recorded) int64 { return r.Version })
	return convertConnection(page, auditLogEntry), err
}

// auditStream returns the stream that holds the history of an object.
func auditStream(objectID, which string) (string, error) {
	prefix := id.Prefix(objectID)
	if which == "INVENTORY" && prefix != id.Event {
		return "", apierror.New(apierror.BadUserInput, "only events have an inventory")
	}
	switch prefix {
	case id.Event:
		if which == "INVENTORY" {
			return inventory.Stream(objectID), nil
		}
		return event.Stream(objectID), nil
	case id.Reservation:
		return reservation.Stream(objectID), nil
	case id.Payment:
		return payment.Stream(objectID), nil
	}
	return "", apierror.New(apierror.BadUserInput, "id is not one of an event, a reservation or a payment")
}

func auditLogEntry(r *eventstore.Recorded) *model.AuditLogEntry {
	return &model.AuditLogEntry{
		ID: r.ID(), Stream: r.StreamID, Version: int(r.Version), Position: strconv.FormatInt(r.Position, 10),
		Type: r.Type, SchemaVersion: r.SchemaVersion, RecordedAt: r.RecordedAt,
		Actor: r.Metadata.Actor, CorrelationID: r.Metadata.CorrelationID, CausationID: nullIfEmpty(r.Metadata.CausationID),
		Traceparent: nullIfEmpty(r.Metadata.Traceparent), Data: r.Data,
	}
}

// AccessLog implements generated.QueryResolver.
func (r queryResolver) AccessLog(ctx context.Context, f *model.AccessLogFilter, first *int, after *string, last *int, before *string) (*model.AccessLogConnection, error) {
	var filter auth.AccessFilter
	if f != nil {
		filter = auth.AccessFilter{Subject: textOf(f.UserID), Actor: textOf(f.ActorID)}
		if err := checkIDs(id.User, f.UserID, f.ActorID); err != nil {
			return nil, err
		}
	}
	list := func(ctx context.Context, w query.Window) ([]auth.AccessEntry, error) {
		return r.auth.AccessLog(ctx, filter, authRange(w))
	}
	page, err := query.VersionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before}, list,
		func(e auth.AccessEntry) int64 { return e.ID })
	return convertConnection(page, accessLogEntry), err
}

func accessLogEntry(e *auth.AccessEntry) *model.AccessLogEntry {
	return &model.AccessLogEntry{
		ID: "acc_" + strconv.FormatInt(e.ID, 10), At: e.At, Action: e.Action, ActorID: e.Actor, UserID: e.Subject, Role: nullIfEmpty(e.Role),
	}
}

// Actor implements generated.AccessLogEntryResolver.
func (accessLogEntryResolver) Actor(ctx context.Context, e *model.AccessLogEntry) (*model.User, error) {
	if e.ActorID == "" {
		return nil, nil //nolint:nilnil // the platform itself
	}
	return findUser(ctx, e.ActorID)
}

// User implements generated.AccessLogEntryResolver.
func (accessLogEntryResolver) User(ctx context.Context, e *model.AccessLogEntry) (*model.User, error) {
	return findUser(ctx, e.UserID)
}
