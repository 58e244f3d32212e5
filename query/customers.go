package query

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"ticketing/internal/money"
	"ticketing/query/db"
)

// Customer is somebody who has made a reservation. Who that is, by name and address, the read tables do not know.
type Customer struct {
	ID           string // the user's
	Reservations int64  // that they made
	Completed    int64  // of these, also those that were given back later
	Returned     int64  // of these, those that were given back in full
	Tickets      int64  // that they bought and did not give back
	FirstSeenAt  time.Time
	LastSeenAt   time.Time // when they did something themselves
}

// Spend is what a customer's payments in one currency took and gave back.
type Spend struct{ Spent, Refunded, Net money.Money }

// HistoryEntry is something that a customer did, or what became of it. Kind is a value of the API's CustomerHistoryKind.
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

// CustomerFilter narrows the list of customers: what is given must all hold.
type CustomerFilter struct {
	FirstSeenAfter  *time.Time // at this moment or later
	FirstSeenBefore *time.Time
}

// Customers answers those of the users who are customers.
func (r *Reader) Customers(ctx context.Context, ids []string) (map[string]Customer, error) {
	rows, err := r.db.CustomersByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("query: read customers: %w", err)
	}
	return byID(convert(rows, customer), func(c Customer) string { return c.ID }), nil
}

// SpendOf answers what each customer spent, by currency.
func (r *Reader) SpendOf(ctx context.Context, customerIDs []string) (map[string][]Spend, error) {
	rows, err := r.db.SpendOfCustomers(ctx, customerIDs)
	if err != nil {
		return nil, fmt.Errorf("query: read what customers spent: %w", err)
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

// CustomerPage answers customers that the filter lets through, those who came last first.
func (r *Reader) CustomerPage(ctx context.Context, f CustomerFilter, args PageArgs) (Page[Customer], error) {
	w, err := Filter{CreatedAfter: f.FirstSeenAfter, CreatedBefore: f.FirstSeenBefore}.window(customerList, args)
	if err != nil {
		return Page[Customer]{}, err
	}
	arg := db.CustomersNewestFirstParams{
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id,
		RowLimit: w.rows(),
	}
	var rows []db.Customer
	if w.backward {
		rows, err = r.lists.CustomersOldestFirst(ctx, db.CustomersOldestFirstParams(arg))
	} else {
		rows, err = r.lists.CustomersNewestFirst(ctx, arg)
	}
	if err != nil {
		return Page[Customer]{}, fmt.Errorf("query: list customers: %w", err)
	}
	return page(w, convert(rows, customer), func(c Customer) string { return customerList.instantCursor(c.FirstSeenAt, c.ID) }), nil
}

// spending is the key of customers by what they spent.
type spending struct {
	net int64
	id  string
}

func (l list) parseSpending(cursor string) (spending, error) {
	net, id, ok := l.decode(cursor)
	if !ok || id == "" {
		return spending{}, malformed()
	}
	return spending{net: net, id: id}, nil
}

// TopCustomerPage answers the customers who paid something in a currency and did not get it back, those who spent most first.
func (r *Reader) TopCustomerPage(ctx context.Context, currency string, args PageArgs) (Page[Customer], error) {
	w, err := parseWindow(args, spending{net: math.MaxInt64}, spending{net: 1}, spendingList.parseSpending)
	if err != nil {
		return Page[Customer]{}, err
	}
	arg := db.CustomersHighestSpendFirstParams{
		Currency: currency, LessThan: w.after.net, LessThanID: w.after.id, MoreThan: w.before.net, MoreThanID: w.before.id, RowLimit: w.rows(),
	}
	var rows []db.CustomersHighestSpendFirstRow
	if w.backward {
		var reverse []db.CustomersLowestSpendFirstRow
		reverse, err = r.lists.CustomersLowestSpendFirst(ctx, db.CustomersLowestSpendFirstParams(arg))
		rows = convert(reverse, func(row db.CustomersLowestSpendFirstRow) db.CustomersHighestSpendFirstRow {
			return db.CustomersHighestSpendFirstRow(row)
		})
	} else {
		rows, err = r.lists.CustomersHighestSpendFirst(ctx, arg)
	}
	if err != nil {
		return Page[Customer]{}, fmt.Errorf("query: list customers by what they spent: %w", err)
	}
	top := page(w, rows, func(row db.CustomersHighestSpendFirstRow) string {
		return spendingList.encode(strconv.FormatInt(row.Net, 10), row.Customer.ID)
	})
	customers := convert(top.Items, func(row db.CustomersHighestSpendFirstRow) Customer { return customer(row.Customer) })
	return Page[Customer]{Items: customers, Cursors: top.Cursors, Info: top.Info}, nil
}

// HistoryPagesOf answers a page of the history of each of several customers, the newest first.
func (r *Reader) HistoryPagesOf(ctx context.Context, customerIDs []string, args PageArgs) (map[string]Page[HistoryEntry], error) {
	w, err := parseWindow(args, math.MaxInt64, 0, historyList.parseVersion)
	if err != nil {
		return nil, err
	}
	arg := db.HistoryOfNewestFirstParams{Owners: customerIDs, OlderThan: w.after, NewerThan: w.before, RowLimit: w.rows()}
	var rows []db.CustomerHistory
	if w.backward {
		rows, err = r.lists.HistoryOfOldestFirst(ctx, db.HistoryOfOldestFirstParams(arg))
	} else {
		rows, err = r.lists.HistoryOfNewestFirst(ctx, arg)
	}
	if err != nil {
		return nil, fmt.Errorf("query: list what customers did: %w", err)
	}
	return pagesOf(w, customerIDs, convert(rows, historyEntry), func(e HistoryEntry) string { return e.CustomerID },
		func(e HistoryEntry) string { return historyList.encode(strconv.FormatInt(e.Position, 10), "") }), nil
}

func customer(row db.Customer) Customer {
	return Customer{
		ID: row.ID, Reservations: row.Reservations, Completed: row.Completed, Returned: row.Returned, Tickets: row.Tickets,
		FirstSeenAt: row.FirstSeen.UTC(), LastSeenAt: row.LastSeen.UTC(),
	}
}

func historyEntry(row db.CustomerHistory) HistoryEntry {
	return HistoryEntry{
		CustomerID: row.CustomerID, Position: row.Position, At: row.At.UTC(), Kind: row.Kind, EventID: row.EventID,
		ReservationID: row.ReservationID, PaymentID: row.PaymentID, Tickets: row.Tickets,
		Amount: money.Money{Minor: row.Amount, Currency: row.Currency},
	}
}
