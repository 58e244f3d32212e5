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

// SeatConnection is a page of seats.
type SeatConnection struct {
	Connection[*query.Seat]

	TotalCount *int
}

type (
	// EventConnection is a page of events.
	EventConnection = Connection[*query.Event]
	// ReservationConnection is a page of reservations.
	ReservationConnection = Connection[*query.Reservation]
	// PaymentConnection is a page of payments.
	PaymentConnection = Connection[*Payment]
	// UserConnection is a page of users.
	UserConnection = Connection[*User]
	// SectionSalesConnection is a page of the sales of sections.
	SectionSalesConnection = Connection[*query.SectionSales]
	// CustomerConnection is a page of customers.
	CustomerConnection = Connection[*query.Customer]
	// CustomerHistoryConnection is a page of a customer's history.
	CustomerHistoryConnection = Connection[*query.HistoryEntry]
	// AuditLogConnection is a page of the audit log.
	AuditLogConnection = Connection[*AuditLogEntry]
	// AccessLogConnection is a page of the access log.
	AccessLogConnection = Connection[*AccessLogEntry]
)

type (
	// EventEdge is an element of a page of events.
	EventEdge = Edge[*query.Event]
	// SeatEdge is an element of a page of seats.
	SeatEdge = Edge[*query.Seat]
	// ReservationEdge is an element of a page of reservations.
	ReservationEdge = Edge[*query.Reservation]
	// PaymentEdge is an element of a page of payments.
	PaymentEdge = Edge[*Payment]
	// UserEdge is an element of a page of users.
	UserEdge = Edge[*User]
	// SectionSalesEdge is an element of a page of the sales of sections.
	SectionSalesEdge = Edge[*query.SectionSales]
	// CustomerEdge is an element of a page of customers.
	CustomerEdge = Edge[*query.Customer]
	// CustomerHistoryEdge is an element of a page of a customer's history.
	CustomerHistoryEdge = Edge[*query.HistoryEntry]
	// AuditLogEdge is an element of a page of the audit log.
	AuditLogEdge = Edge[*AuditLogEntry]
	// AccessLogEdge is an element of a page of the access log.
	AccessLogEdge = Edge[*AccessLogEntry]
)
