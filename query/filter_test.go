package query_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/query"
)

// sale is a reservation and its payment.
type sale struct {
	n                                int
	customer, event, status, gateway string
	at                               time.Time
}

// addSales adds sales of every combination and returns them newest first.
func addSales(w tables, count int) []sale {
	w.t.Helper()
	sales := make([]sale, count)
	for i := range sales {
		s := sale{
			n: i, customer: fmt.Sprintf("usr_%d", i%3), event: fmt.Sprintf("evt_%d", i/3%3),
			status: []string{"COMPLETED", "REFUNDED"}[i/9%2], gateway: []string{"stripe", "paypal"}[i%2], at: noon.Add(time.Duration(i/4) * time.Second),
		}
		w.exec(`INSERT INTO reservations (id, version, event_id, customer_id, status, seats, total, currency, created_at, expires_at, metadata)
			VALUES ($1, 1, $2, $3, $4, '[]', 100, 'EUR', $5, $5, '{}')`, s.reservation(), s.event, s.customer, s.status, s.at)
		w.exec(`INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, status,
			gateway, created_at, metadata) VALUES ($1, 1, $2, $3, $4, 100, 0, 'EUR', '[]', $5, $6, $7, '{}')`,
			s.payment(), s.reservation(), s.customer, s.event, s.status, s.gateway, s.at)
		sales[i] = s
	}
	slices.Reverse(sales)
	return sales
}

func (s sale) reservation() string { return fmt.Sprintf("rsv_%03d", s.n) }
func (s sale) payment() string     { return fmt.Sprintf("pay_%03d", s.n) }

// matches reports whether a filter matches the sale, by the filter's definition.
func (s sale) matches(f query.PaymentFilter) bool {
	is := func(wanted *string, value string) bool { return wanted == nil || *wanted == value }
	return is(f.Status, s.status) && is(f.EventID, s.event) && is(f.CustomerID, s.customer) && is(f.Gateway, s.gateway) &&
		(f.CreatedAfter == nil || !s.at.Before(*f.CreatedAfter)) && (f.CreatedBefore == nil || s.at.Before(*f.CreatedBefore))
}

// allFilters returns all combinations of conditions.
func allFilters() []query.PaymentFilter {
	from, until := noon.Add(3*time.Second), noon.Add(9*time.Second)
	var all []query.PaymentFilter
	for _, status := range maybe("COMPLETED", "none") {
		for _, event := range maybe("evt_1") {
			for _, customer := range maybe("usr_2") {
				for _, gateway := range maybe("stripe") {
					f := query.Filter{Status: status, EventID: event, CustomerID: customer}
					within := f
					within.CreatedAfter, within.CreatedBefore = &from, &until
					all = append(all, query.PaymentFilter{Filter: f, Gateway: gateway}, query.PaymentFilter{Filter: within, Gateway: gateway})
				}
			}
		}
	}
	return all
}

func TestPagesHoldWhatTheFilterMatches(t *testing.T) {
	w := newTables(t)
	sales := addSales(w, 60)
	for _, f := range allFilters() {
		var payments, reservations []string
		for _, s := range sales {
			if s.matches(f) {
				payments = append(payments, s.payment())
			}
			if s.matches(query.PaymentFilter{Filter: f.Filter}) {
				reservations = append(reservations, s.reservation())
			}
		}
		require.Equal(t, payments, readAllPages(t, func(args query.PageArgs) (query.Page[query.Payment], error) {
			return w.reader.PaymentPage(t.Context(), f, args)
		}, func(p query.Payment) string { return p.ID }))
		require.Equal(t, reservations, readAllPages(t, func(args query.PageArgs) (query.Page[query.Reservation], error) {
			return w.reader.ReservationPage(t.Context(), f.Filter, args)
		}, func(r query.Reservation) string { return r.ID }))
	}
}

// readAllPages reads a list to its end in pages of seven, and back, and requires that both have the same items.
func readAllPages[T any](t *testing.T, read func(query.PageArgs) (query.Page[T], error), id func(T) string) []string {
	t.Helper()
	var there, back []string
	for args := first(7); ; {
		page, err := read(args)
		require.NoError(t, err)
		for _, item := range page.Items {
			there = append(there, id(item))
		}
		if args.After = page.Info.EndCursor; !page.Info.HasNextPage {
			break
		}
	}
	for args := last(7); ; {
		page, err := read(args)
		require.NoError(t, err)
		var ids []string
		for _, item := range page.Items {
			ids = append(ids, id(item))
		}
		back = append(ids, back...)
		if args.Before = page.Info.StartCursor; !page.Info.HasPreviousPage {
			break
		}
	}
	require.Equal(t, there, back)
	return there
}

func TestPagesOfSeveralOwnersEqualThePagesOfEach(t *testing.T) {
	w := newTables(t)
	addSales(w, 60)
	middle, err := w.reader.ReservationPage(t.Context(), query.Filter{}, first(20))
	require.NoError(t, err)
	paid, err := w.reader.PaymentPage(t.Context(), query.PaymentFilter{}, first(20))
	require.NoError(t, err)
	completed, stripe := "COMPLETED", "stripe"
	for by, owners := range map[query.Owner][]string{query.OfCustomers: {"usr_2", "usr_0", "usr_none"}, query.OfEvents: {"evt_1", "evt_2", "evt_none"}} {
		for _, args := range []query.PageArgs{first(3), last(3), {}, first(0)} {
			for _, status := range []*string{nil, &completed} {
				f := query.PaymentFilter{Filter: query.Filter{Status: status}, Gateway: &stripe}
				args.After = middle.Info.EndCursor
				reservations, err := w.reader.ReservationPagesOf(t.Context(), by, owners, f.Filter, args)
				require.NoError(t, err)
				paidArgs := args
				paidArgs.After = paid.Info.EndCursor
				payments, err := w.reader.PaymentPagesOf(t.Context(), by, owners, f, paidArgs)
				require.NoError(t, err)
				require.Len(t, reservations, 3)
				require.Len(t, payments, 3)
				for _, owner := range owners {
					alone := f
					if alone.EventID = &owner; by == query.OfCustomers {
						alone.EventID, alone.CustomerID = nil, &owner
					}
					want, err := w.reader.ReservationPage(t.Context(), alone.Filter, args)
					require.NoError(t, err)
					requireSamePage(t, want, reservations[owner])
					wantPaid, err := w.reader.PaymentPage(t.Context(), alone, paidArgs)
					require.NoError(t, err)
					requireSamePage(t, wantPaid, payments[owner])
				}
			}
		}
	}
}

func requireSamePage[T any](t *testing.T, want, got query.Page[T]) {
	t.Helper()
	require.ElementsMatch(t, want.Items, got.Items)
	require.Equal(t, want.Cursors, got.Cursors)
	require.Equal(t, want.Info, got.Info)
}

func TestPagingWhileRowsAreAddedSeesEachOldRowOnce(t *testing.T) {
	w := newTables(t)
	sales := addSales(w, 60)
	were := map[string]bool{}
	for _, s := range sales {
		were[s.payment()] = true
	}
	seen := map[string]int{}
	args := first(7)
	for n := range 20 { // rows added at the end would be read for ever
		page, err := w.reader.PaymentPage(t.Context(), query.PaymentFilter{}, args)
		require.NoError(t, err)
		for i, p := range page.Items {
			seen[p.ID]++
			require.False(t, i > 0 && p.CreatedAt.After(page.Items[i-1].CreatedAt), "newest first")
		}
		if args.After = page.Info.EndCursor; args.After == nil {
			break
		}
		for i, at := range []time.Time{noon.Add(time.Hour), noon.Add(rand.N(15 * time.Second)), noon.Add(-time.Hour)} {
			w.exec(`INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, status,
				gateway, created_at, metadata) VALUES ($1, 1, 'rsv_1', 'usr_0', 'evt_0', 100, 0, 'EUR', '[]', 'COMPLETED', 'stripe', $2, '{}')`,
				fmt.Sprintf("pay_new_%d_%d", n, i), at)
		}
	}
	for id := range were {
		require.Equal(t, 1, seen[id], id)
	}
	for id, times := range seen {
		require.True(t, times == 1 && (were[id] || strings.HasPrefix(id, "pay_new")), id)
	}
}
