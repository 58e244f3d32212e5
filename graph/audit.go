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
	"ticketing/internal/id"
	"ticketing/query"
)

// AuditLog implements generated.QueryResolver.
func (r queryResolver) AuditLog(ctx context.Context, objectID, which string, first *int, after *string, last *int, before *string) (*model.AuditLogConnection, error) {
	stream, err := streamOf(objectID, which)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context, w query.Window) ([]eventstore.Recorded, error) {
		return r.log.Range(ctx, stream, eventstore.Range{After: w.After, Before: w.Before, Limit: w.Rows, Backward: w.Backward})
	}
	page, err := query.VersionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before}, read,
		func(r eventstore.Recorded) int64 { return r.Version })
	if err != nil {
		return nil, err
	}
	return auditLogConnection(page), nil
}

// streamOf answers where the history of an object stands.
func streamOf(objectID, which string) (string, error) {
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

func auditLogConnection(p query.Page[eventstore.Recorded]) *model.AuditLogConnection {
	c := &model.AuditLogConnection{PageInfo: pageInfo(p.Info)}
	for i := range p.Items {
		entry := auditLogEntry(&p.Items[i])
		c.Nodes = append(c.Nodes, entry)
		c.Edges = append(c.Edges, &model.AuditLogEdge{Cursor: p.Cursors[i], Node: entry})
	}
	return c
}

func auditLogEntry(r *eventstore.Recorded) *model.AuditLogEntry {
	return &model.AuditLogEntry{
		ID: r.ID(), Stream: r.StreamID, Version: int(r.Version), Position: strconv.FormatInt(r.Position, 10),
		Type: r.Type, SchemaVersion: r.SchemaVersion, RecordedAt: r.RecordedAt,
		Actor: r.Metadata.Actor, CorrelationID: r.Metadata.CorrelationID, CausationID: orNull(r.Metadata.CausationID),
		Traceparent: orNull(r.Metadata.Traceparent), Data: r.Data,
	}
}
