package graph

import (
	"context"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
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
func (r queryResolver) Customer(ctx context.Context, customerID string) (*query.Customer, error) {
	userID, err := id.ParseCustomer(customerID)
	if err != nil {
		return nil, apierror.New(apierror.BadUserInput, "%s", err)
	}
	return loadersOf(ctx).customers.Load(ctx, userID)
}

// findCustomer finds a customer for admins.
func (r queryResolver) findCustomer(ctx context.Context, customerID string) (*query.Customer, error) {
	if !viewerOf(ctx).HasRole(auth.RoleAdmin) {
		return nil, errForbidden
	}
	return r.Customer(ctx, customerID)
}

// Customers implements generated.QueryResolver.
func (r queryResolver) Customers(ctx context.Context, f *model.CustomerFilter, first *int, after *string, last *int, before *string) (*model.CustomerConnection, error) {
	var filter query.CustomerFilter
	if f != nil {
		filter = query.CustomerFilter(*f)
	}
	page, err := r.reads.CustomerPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before})
	loadersOf(ctx).addCustomers(page.Items)
	return newConnection(page), err
}

// TopCustomers implements generated.QueryResolver.
func (r queryResolver) TopCustomers(ctx context.Context, currency string, first *int, after *string, last *int, before *string) (*model.CustomerConnection, error) {
	if _, known := money.Exponent(currency); !known {
		return nil, apierror.New(apierror.BadUserInput, "currencyCode is not a current ISO 4217 code")
	}
	page, err := r.reads.TopCustomerPage(ctx, currency, query.PageArgs{First: first, After: after, Last: last, Before: before})
	loadersOf(ctx).addCustomers(page.Items)
	return newConnection(page), err
}

// User implements generated.CustomerResolver.
func (customerResolver) User(ctx context.Context, c *query.Customer) (*model.User, error) {
	return findUser(ctx, c.UserID)
}

// Spend implements generated.CustomerResolver.
func (customerResolver) Spend(ctx context.Context, c *query.Customer) ([]*query.Spend, error) {
	spend, err := loadersOf(ctx).spend.Load(ctx, c.UserID)
	if spend == nil || err != nil {
		return []*query.Spend{}, err
	}
	return pointersTo(*spend), nil
}

// History implements generated.CustomerResolver.
func (r customerResolver) History(ctx context.Context, c *query.Customer, first *int, after *string, last *int, before *string) (*model.CustomerHistoryConnection, error) {
	l := loadersOf(ctx)
	fetch := func(ctx context.Context, ids []string) (map[string]query.Page[query.HistoryEntry], error) {
		return r.reads.HistoryPagesOf(ctx, ids, query.PageArgs{First: first, After: after, Last: last, Before: before})
	}
	page, err := loadPage(ctx, &l.historyPages, &l.siblings.users, c.UserID, fetch, l.addHistory)
	return newConnection(page), err
}

// Event implements generated.CustomerHistoryEntryResolver.
func (historyResolver) Event(ctx context.Context, e *query.HistoryEntry) (*query.Event, error) {
	return loadersOf(ctx).events.Load(ctx, e.EventID)
}
