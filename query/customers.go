package query

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/query/db"
)

// Customer is a user who has made a reservation. The read tables hold no names and addresses.
type Customer struct {
	UserID       string
	Reservations int64 // made
	Completed    int64 // of these, including the returned ones
	Returned     int64 // of these, refunded in full
	Tickets      int64 // bought and not returned
	FirstSeenAt  time.Time
	LastSeenAt   time.Time // of the last thing that they did themselves
}

// ID returns the customer's identifier.
func (c Customer) ID() string { return id.OfCustomer(c.UserID) }

// Spend sums up a customer's payments in one currency.
type Spend struct{ Spent, Refunded, Net money.Money }

// HistoryEntry is something that a customer did, or its consequence. Kind is a value of the API's CustomerHistoryKind.
type HistoryEntry struct {
	CustomerID    string
	Position      int64 // in the log
	At            time.Time
	Kind          string
	EventID       string
	ReservationID string
	PaymentID     *string
	Tickets       int64
	Amount        money.Money
}

// CustomerFilter narrows the list of customers. Its conditions are combined with AND; a nil field is none.
type CustomerFilter struct {
	FirstSeenAfter  *time.Time // at this moment or later
	FirstSeenBefore *time.Time
}

// Customers returns the customers among the users with the given ids.
func (r *Reader) Customers(ctx context.Context, ids []string) (map[string]Customer, error) {
	rows, err := r.db.CustomersByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	return indexByID(convertRows(rows, newCustomer), func(c Customer) string { return c.UserID }), nil
}

// SpendOf returns what each customer spent, one Spend per currency.
func (r *Reader) SpendOf(ctx context.Context, customerIDs []string) (map[string][]Spend, error) {
	rows, err := r.db.SpendOfCustomers(ctx, customerIDs)
	if err != nil {
		return nil, fmt.Errorf("read what customers spent: %w", err)
	}
	spend := make(map[string][]Spend, len(customerIDs))
	for _, row := range rows {
		spend[row.CustomerID] = append(spend[row.CustomerID], Spend{
			Spent:    money.Money{Minor: row.Spent, Currency: row.Currency},
			Refunded: money.Money{Minor: row.Refunded, Currency: row.Currency},
			Net:      money.Money{Minor: row.Net, Currency: row.Currency},
		})
	}
	return spend, nil
}

// CustomerPage returns a page of the customers that match the filter, those who were first seen last first.
func (r *Reader) CustomerPage(ctx context.Context, f CustomerFilter, args PageArgs) (Page[Customer], error) {
	w, err := Filter{CreatedAfter: f.FirstSeenAfter, CreatedBefore: f.FirstSeenBefore}.parseWindow(customerList, args)
	if err != nil {
		return Page[Customer]{}, err
	}
	arg := db.CustomersNewestFirstParams{
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id,
		RowLimit: w.rowLimit(),
	}
	var rows []db.Customer
	if w.backward {
		rows, err = r.lists.CustomersOldestFirst(ctx, db.CustomersOldestFirstParams(arg))
	} else {
		rows, err = r.lists.CustomersNewestFirst(ctx, arg)
	}
	if err != nil {
		return Page[Customer]{}, fmt.Errorf("list customers: %w", err)
	}
	return cutPage(w, convertRows(rows, newCustomer), func(c Customer) string { return customerList.instantCursor(c.FirstSeenAt, c.UserID) }), nil
}

// spending is the key of customers in the order of what they spent.
type spending struct {
	net int64
	id  string
}

func (l list) parseSpending(cursor string) (spending, error) {
	net, id, ok := l.decodeCursor(cursor)
	if !ok || id == "" {
		return spending{}, newMalformedCursor()
	}
	return spending{net: net, id: id}, nil
}

// TopCustomerPage returns a page of the customers who have spent money in a currency, net of refunds, those who spent most first.
func (r *Reader) TopCustomerPage(ctx context.Context, currency string, args PageArgs) (Page[Customer], error) {
	w, err := parseWindow(args, spending{net: math.MaxInt64}, spending{net: 1}, spendingList.parseSpending)
	if err != nil {
		return Page[Customer]{}, err
	}
	arg := db.CustomersHighestSpendFirstParams{
		Currency: currency, LessThan: w.after.net, LessThanID: w.after.id, MoreThan: w.before.net, MoreThanID: w.before.id, RowLimit: w.rowLimit(),
	}
	var rows []db.CustomersHighestSpendFirstRow
	if w.backward {
		var reverse []db.CustomersLowestSpendFirstRow
		reverse, err = r.lists.CustomersLowestSpendFirst(ctx, db.CustomersLowestSpendFirstParams(arg))
		rows = convertRows(reverse, func(row db.CustomersLowestSpendFirstRow) db.CustomersHighestSpendFirstRow {
			return db.CustomersHighestSpendFirstRow(row)
		})
	} else {
		rows, err = r.lists.CustomersHighestSpendFirst(ctx, arg)
	}
	if err != nil {
		return Page[Customer]{}, fmt.Errorf("list customers by what they spent: %w", err)
	}
	top := cutPage(w, rows, func(row db.CustomersHighestSpendFirstRow) string {
		return spendingList.encodeCursor(strconv.FormatInt(row.Net, 10), row.Customer.ID)
	})
	customers := convertRows(top.Items, func(row db.CustomersHighestSpendFirstRow) Customer { return newCustomer(row.Customer) })
	return Page[Customer]{Items: customers, Cursors: top.Cursors, Info: top.Info}, nil
}

// HistoryPagesOf returns a page of each customer's history, newest first.
func (r *Reader) HistoryPagesOf(ctx context.Context, customerIDs []string, args PageArgs) (map[string]Page[HistoryEntry], error) {
	w, err := parseWindow(args, math.MaxInt64, 0, historyList.parseVersion)
	if err != nil {
		return nil, err
	}
	arg := db.HistoryOfNewestFirstParams{Owners: customerIDs, OlderThan: w.after, NewerThan: w.before, RowLimit: w.rowLimit()}
	var rows []db.CustomerHistory
	if w.backward {
		rows, err = r.lists.HistoryOfOldestFirst(ctx, db.HistoryOfOldestFirstParams(arg))
	} else {
		rows, err = r.lists.HistoryOfNewestFirst(ctx, arg)
	}
	if err != nil {
		return nil, fmt.Errorf("list what customers did: %w", err)
	}
	return cutPages(w, customerIDs, convertRows(rows, newHistoryEntry), func(e HistoryEntry) string { return e.CustomerID },
		func(e HistoryEntry) string { return historyList.encodeCursor(strconv.FormatInt(e.Position, 10), "") }), nil
}

func newCustomer(row db.Customer) Customer {
	return Customer{
		UserID: row.ID, Reservations: row.Reservations, Completed: row.Completed, Returned: row.Returned, Tickets: row.Tickets,
		FirstSeenAt: row.FirstSeen.UTC(), LastSeenAt: row.LastSeen.UTC(),
	}
}

func newHistoryEntry(row db.CustomerHistory) HistoryEntry {
	return HistoryEntry{
		CustomerID: row.CustomerID, Position: row.Position, At: row.At.UTC(), Kind: row.Kind, EventID: row.EventID,
		ReservationID: row.ReservationID, PaymentID: row.PaymentID, Tickets: row.Tickets,
		Amount: money.Money{Minor: row.Amount, Currency: row.Currency},
	}
}
