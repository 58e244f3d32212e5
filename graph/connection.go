package graph

import (
	"ticketing/graph/model"
	"ticketing/query"
)

// newConnection returns a page as Relay's connections have it.
func newConnection[T any](p query.Page[T]) *model.Connection[*T] {
	return convertConnection(p, func(item *T) *T { return item })
}

// convertConnection returns a page as a connection of what node makes of its items.
func convertConnection[T, N any](p query.Page[T], node func(*T) N) *model.Connection[N] {
	c := &model.Connection[N]{
		Nodes: convert(p.Items, node), Edges: make([]*model.Edge[N], len(p.Items)),
		PageInfo: &model.PageInfo{
			HasNextPage: p.Info.HasNextPage, HasPreviousPage: p.Info.HasPreviousPage,
			StartCursor: p.Info.StartCursor, EndCursor: p.Info.EndCursor,
		},
	}
	for i, n := range c.Nodes {
		c.Edges[i] = &model.Edge[N]{Cursor: p.Cursors[i], Node: n}
	}
	return c
}

// isOldestFirst reports whether a list is turned around that is the newest first.
func isOldestFirst(order *model.CreationOrder) bool {
	return order != nil && order.Direction == model.OrderDirectionAsc
}

// convert returns what node makes of each item.
func convert[T, N any](items []T, node func(*T) N) []N {
	nodes := make([]N, len(items))
	for i := range items {
		nodes[i] = node(&items[i])
	}
	return nodes
}

func pointersTo[T any](items []T) []*T { return convert(items, func(item *T) *T { return item }) }

// nullIfEmpty returns nil for an empty text.
func nullIfEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// textOf returns "" for a text that was not given.
func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
