package graph

import (
	"ticketing/graph/model"
	"ticketing/query"
)

func eventConnection(p query.Page[query.Event]) *model.EventConnection {
	c := &model.EventConnection{Nodes: pointers(p.Items), PageInfo: pageInfo(p.Info)}
	for i, node := range c.Nodes {
		c.Edges = append(c.Edges, &model.EventEdge{Cursor: p.Cursors[i], Node: node})
	}
	return c
}

func seatConnection(p query.Page[query.Seat]) *model.SeatConnection {
	c := &model.SeatConnection{Nodes: pointers(p.Items), PageInfo: pageInfo(p.Info)}
	for i, node := range c.Nodes {
		c.Edges = append(c.Edges, &model.SeatEdge{Cursor: p.Cursors[i], Node: node})
	}
	return c
}

func reservationConnection(p query.Page[query.Reservation]) *model.ReservationConnection {
	c := &model.ReservationConnection{Nodes: pointers(p.Items), PageInfo: pageInfo(p.Info)}
	for i, node := range c.Nodes {
		c.Edges = append(c.Edges, &model.ReservationEdge{Cursor: p.Cursors[i], Node: node})
	}
	return c
}

func paymentConnection(p query.Page[query.Payment]) *model.PaymentConnection {
	c := &model.PaymentConnection{Nodes: payments(p.Items), PageInfo: pageInfo(p.Info)}
	for i, node := range c.Nodes {
		c.Edges = append(c.Edges, &model.PaymentEdge{Cursor: p.Cursors[i], Node: node})
	}
	return c
}

func pageInfo(i query.PageInfo) *model.PageInfo {
	return &model.PageInfo{HasNextPage: i.HasNextPage, HasPreviousPage: i.HasPreviousPage, StartCursor: i.StartCursor, EndCursor: i.EndCursor}
}

func payments(read []query.Payment) []*model.Payment {
	all := make([]*model.Payment, len(read))
	for i := range read {
		all[i] = &model.Payment{Payment: read[i]}
	}
	return all
}

func pointers[T any](values []T) []*T {
	all := make([]*T, len(values))
	for i := range values {
		all[i] = &values[i]
	}
	return all
}

// orNull answers null for a text that is not there.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
