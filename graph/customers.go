package graph

import (
	"context"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/query"
)

// Customers are shown to admins only: the root fields that lead to them say so.
type (
	customerResolver struct{ *Resolver }
	historyResolver  struct{ *Resolver }
)

// Customer implements generated.QueryResolver.
func (r queryResolver) Customer(ctx context.Context, userID string) (*query.Customer, error) {
	if err := checkID(id.User, userID); err != nil {
		return nil, err
	}
	return loadersOf(ctx).customers.load(ctx, userID)
}

// Customers implements generated.QueryResolver.
func (r queryResolver) Customers(ctx context.Context, f *model.CustomerFilter, first *int, after *string, last *int, before *string) (*model.CustomerConnection, error) {
	var filter query.CustomerFilter
	if f != nil {
		filter = query.CustomerFilter(*f)
	}
	page, err := r.reads.CustomerPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	return customerConnection(ctx, page), nil
}

// TopCustomers implements generated.QueryResolver.
func (r queryResolver) TopCustomers(ctx context.Context, currency string, first *int, after *string, last *int, before *string) (*model.CustomerConnection, error) {
	if _, known := money.Exponent(currency); !known {
		return nil, apierror.New(apierror.BadUserInput, "currencyCode is not a current ISO 4217 code")
	}
	page, err := r.reads.TopCustomerPage(ctx, currency, query.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	return customerConnection(ctx, page), nil
}

func customerConnection(ctx context.Context, p query.Page[query.Customer]) *model.CustomerConnection {
	loadersOf(ctx).sawCustomers(p.Items)
	c := &model.CustomerConnection{Nodes: pointers(p.Items), PageInfo: pageInfo(p.Info)}
	for i, node := range c.Nodes {
		c.Edges = append(c.Edges, &model.CustomerEdge{Cursor: p.Cursors[i], Node: node})
	}
	return c
}

// User implements generated.CustomerResolver.
func (customerResolver) User(ctx context.Context, c *query.Customer) (*model.User, error) {
	return findUser(ctx, c.ID)
}

// Spend implements generated.CustomerResolver.
func (customerResolver) Spend(ctx context.Context, c *query.Customer) ([]*query.Spend, error) {
	spend, err := loadersOf(ctx).spend.load(ctx, c.ID)
	if spend == nil || err != nil {
		return []*query.Spend{}, err
	}
	return pointers(*spend), nil
}

// History implements generated.CustomerResolver.
func (r customerResolver) History(ctx context.Context, c *query.Customer, first *int, after *string, last *int, before *string) (*model.CustomerHistoryConnection, error) {
	args := query.PageArgs{First: first, After: after, Last: last, Before: before}
	l := loadersOf(ctx)
	fetch := func(ctx context.Context, ids []string) (map[string]query.Page[query.HistoryEntry], error) {
		return r.reads.HistoryPagesOf(ctx, ids, args)
	}
	page, err := l.historyPages.load(ctx, c.ID, &l.together.users, fetch, l.sawHistory)
	if err != nil {
		return nil, err
	}
	connection := &model.CustomerHistoryConnection{Nodes: pointers(page.Items), PageInfo: pageInfo(page.Info)}
	for i, node := range connection.Nodes {
		connection.Edges = append(connection.Edges, &model.CustomerHistoryEdge{Cursor: page.Cursors[i], Node: node})
	}
	return connection, nil
}

// Event implements generated.CustomerHistoryEntryResolver.
func (historyResolver) Event(ctx context.Context, e *query.HistoryEntry) (*query.Event, error) {
	return loadersOf(ctx).events.load(ctx, e.EventID)
}
