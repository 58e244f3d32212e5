package model

import "ticketing/query"

// Connection is a page of a list, as Relay's connections have it.
type Connection[N any] struct {
	Edges    []*Edge[N]
	Nodes    []N
	PageInfo *PageInfo
}

// Edge is an element of a page.
type Edge[N any] struct {
	Cursor string
	Node   N
}

// The connections of the schema.
type (
	EventConnection           = Connection[*query.Event]
	SeatConnection            = Connection[*query.Seat]
	ReservationConnection     = Connection[*query.Reservation]
	PaymentConnection         = Connection[*Payment]
	UserConnection            = Connection[*User]
	SectionSalesConnection    = Connection[*query.SectionSales]
	CustomerConnection        = Connection[*query.Customer]
	CustomerHistoryConnection = Connection[*query.HistoryEntry]
	AuditLogConnection        = Connection[*AuditLogEntry]
	AccessLogConnection       = Connection[*AccessLogEntry]
)

// The edges of the schema.
type (
	EventEdge           = Edge[*query.Event]
	SeatEdge            = Edge[*query.Seat]
	ReservationEdge     = Edge[*query.Reservation]
	PaymentEdge         = Edge[*Payment]
	UserEdge            = Edge[*User]
	SectionSalesEdge    = Edge[*query.SectionSales]
	CustomerEdge        = Edge[*query.Customer]
	CustomerHistoryEdge = Edge[*query.HistoryEntry]
	AuditLogEdge        = Edge[*AuditLogEntry]
	AccessLogEdge       = Edge[*AccessLogEntry]
)
