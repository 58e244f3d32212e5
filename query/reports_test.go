package query_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/money"
	"ticketing/query"
)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

func day(n int) *time.Time {
	t := time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC)
	return &t
}

// addSalesOfDays sells Floor on two days and Box on one of them, and returns some of Floor on a third.
func addSalesOfDays(w tables) {
	w.t.Helper()
	w.exec(`INSERT INTO inventories VALUES ('evt_1', 1), ('evt_2', 1)`)
	w.exec(`INSERT INTO sections (event_id, name, ordinal, price, currency, seated, capacity, available, reserved, sold) VALUES
		('evt_1', 'Floor', 0, 1000, 'EUR', false, 10, 10, 0, 0), ('evt_1', 'Box', 1, 5000, 'EUR', false, 10, 10, 0, 0),
		('evt_1', 'Attic', 2, 100, 'EUR', false, 10, 10, 0, 0), ('evt_2', 'Floor', 0, 10, 'JPY', false, 10, 10, 0, 0)`)
	w.exec(`INSERT INTO sales (event_id, section, day, currency, sold, returned, gross, refunded) VALUES
		('evt_1', 'Floor', '2026-11-01', 'EUR', 3, 0, 3000, 0), ('evt_1', 'Floor', '2026-11-02', 'EUR', 2, 0, 2000, 500),
		('evt_1', 'Box', '2026-11-02', 'EUR', 1, 0, 5000, 0), ('evt_1', 'Floor', '2026-11-04', 'EUR', 0, 1, 0, 1000),
		('evt_other', 'Floor', '2026-11-02', 'EUR', 9, 0, 9000, 0)`)
}

func TestASalesReportAddsUp(t *testing.T) {
	w := newTables(t)
	addSalesOfDays(w)
	report, err := w.reader.SalesReport(t.Context(), "evt_1", query.Days{})
	require.NoError(t, err)
	require.Equal(t, &query.SalesReport{
		EventID: "evt_1",
		Sales:   query.Sales{Sold: 6, Returned: 1, Tickets: 5, Gross: eur(10000), Refunded: eur(1500), Lost: eur(0), Net: eur(8500)},
		BySection: []query.SectionSales{
			{EventID: "evt_1", Section: "Floor", Sales: query.Sales{Sold: 5, Returned: 1, Tickets: 4, Gross: eur(5000), Refunded: eur(1500), Lost: eur(0), Net: eur(3500)}},
			{EventID: "evt_1", Section: "Box", Sales: query.Sales{Sold: 1, Tickets: 1, Gross: eur(5000), Refunded: eur(0), Lost: eur(0), Net: eur(5000)}},
			{EventID: "evt_1", Section: "Attic", Sales: query.Sales{Gross: eur(0), Refunded: eur(0), Lost: eur(0), Net: eur(0)}},
		},
		ByDay: []query.DaySales{
			{Day: *day(1), Sales: query.Sales{Sold: 3, Tickets: 3, Gross: eur(3000), Refunded: eur(0), Lost: eur(0), Net: eur(3000)}},
			{Day: *day(2), Sales: query.Sales{Sold: 3, Tickets: 3, Gross: eur(7000), Refunded: eur(500), Lost: eur(0), Net: eur(6500)}},
			{Day: *day(4), Sales: query.Sales{Returned: 1, Tickets: -1, Gross: eur(0), Refunded: eur(1000), Lost: eur(0), Net: eur(-1000)}},
		},
	}, report)
}

func TestASalesReportOfSomeDays(t *testing.T) {
	w := newTables(t)
	addSalesOfDays(w)
	for _, c := range []struct {
		days      query.Days
		sold, net int64
	}{
		{query.Days{First: day(2)}, 3, 5500}, {query.Days{Last: day(1)}, 3, 3000}, {query.Days{First: day(2), Last: day(2)}, 3, 6500},
		{query.Days{First: day(1), Last: day(4)}, 6, 8500}, {query.Days{First: day(5)}, 0, 0},
	} {
		report, err := w.reader.SalesReport(t.Context(), "evt_1", c.days)
		require.NoError(t, err)
		require.Equal(t, c.sold, report.Sold)
		require.Equal(t, eur(c.net), report.Net)
		require.Len(t, report.BySection, 3)
	}
	unsold, err := w.reader.SalesReport(t.Context(), "evt_2", query.Days{})
	require.NoError(t, err)
	require.Equal(t, money.Money{Currency: "JPY"}, unsold.Net)
	nothing, err := w.reader.SalesReport(t.Context(), "evt_none", query.Days{})
	require.NoError(t, err)
	require.Nil(t, nothing)
	behind, err := w.reader.SalesReport(t.Context(), "evt_other", query.Days{})
	require.NoError(t, err)
	require.Equal(t, "Floor", behind.BySection[0].Section, "sold before its section is projected")
}

func TestSectionsByTicketsSold(t *testing.T) {
	w := newTables(t)
	var want []string
	for i := range 20 { // pairs of neighbours have sold as much
		w.exec(`INSERT INTO section_sales (event_id, section, currency, sold, returned, gross, refunded) VALUES ($1, 'Floor: left', 'EUR', $2, 1, 5, 0)`,
			"evt_"+strconv.Itoa(i+10), 30-i/2)
		want = append(want, "evt_"+strconv.Itoa(i+10))
	}
	for i := 0; i < len(want); i += 2 {
		want[i], want[i+1] = want[i+1], want[i]
	}
	w.exec(`INSERT INTO section_sales (event_id, section, currency, sold, returned, gross, refunded) VALUES ('evt_none', 'Floor', 'EUR', 1, 1, 5, 5)`)
	require.Equal(t, want, readAllPages(t, func(args query.PageArgs) (query.Page[query.SectionSales], error) {
		return w.reader.SectionPage(t.Context(), args)
	}, func(s query.SectionSales) string { return s.EventID }))
	page, err := w.reader.SectionPage(t.Context(), first(1))
	require.NoError(t, err)
	require.Equal(t, query.SectionSales{EventID: "evt_11", Section: "Floor: left", Sales: query.Sales{Sold: 30, Returned: 1, Tickets: 29, Gross: eur(5), Refunded: eur(0), Lost: eur(0), Net: eur(5)}}, page.Items[0])
	var refused *query.CursorError
	_, err = w.reader.CustomerPage(t.Context(), query.CustomerFilter{}, query.PageArgs{After: &page.Cursors[0]})
	require.ErrorAs(t, err, &refused)
}

// addCustomers adds twenty customers who were first and last seen one after the other, and spent i euros and 100 yen each.
func addCustomers(w tables) (newestFirst []string) {
	w.t.Helper()
	for i := range 20 {
		id, at := "usr_"+strconv.Itoa(i+10), noon.Add(time.Duration(i)*time.Hour)
		w.exec(`INSERT INTO customers (id, reservations, completed, returned, tickets, first_seen, last_seen) VALUES ($1, 3, 2, 1, 4, $2, $3)`,
			id, at, at.Add(time.Minute))
		w.exec(`INSERT INTO customer_spend (customer_id, currency, spent, refunded) VALUES ($1, 'EUR', $2::bigint + 50, 50), ($1, 'JPY', 100, 0)`, id, i*100)
		newestFirst = append([]string{id}, newestFirst...)
	}
	return newestFirst
}

func TestCustomersInPages(t *testing.T) {
	w := newTables(t)
	newestFirst := addCustomers(w)
	ids := func(c query.Customer) string { return c.UserID }
	list := func(f query.CustomerFilter) []string {
		return readAllPages(t, func(args query.PageArgs) (query.Page[query.Customer], error) {
			return w.reader.CustomerPage(t.Context(), f, args)
		}, ids)
	}
	third, seventh := noon.Add(3*time.Hour), noon.Add(7*time.Hour)
	require.Equal(t, newestFirst, list(query.CustomerFilter{}))
	require.Equal(t, newestFirst[13:17], list(query.CustomerFilter{FirstSeenAfter: &third, FirstSeenBefore: &seventh}))
	top := func(currency string) []string {
		return readAllPages(t, func(args query.PageArgs) (query.Page[query.Customer], error) {
			return w.reader.TopCustomerPage(t.Context(), currency, args)
		}, ids)
	}
	require.Equal(t, newestFirst[:19], top("EUR"), "all but the one whose payments were all refunded")
	require.Equal(t, newestFirst, top("JPY"))
	require.Empty(t, top("USD"))

	found, err := w.reader.Customers(t.Context(), []string{"usr_12", "usr_none"})
	require.NoError(t, err)
	require.Equal(t, map[string]query.Customer{"usr_12": {
		UserID: "usr_12", Reservations: 3, Completed: 2, Returned: 1, Tickets: 4, FirstSeenAt: noon.Add(2 * time.Hour), LastSeenAt: noon.Add(2*time.Hour + time.Minute),
	}}, found)
	spend, err := w.reader.SpendOf(t.Context(), []string{"usr_12", "usr_13"})
	require.NoError(t, err)
	require.Equal(t, []query.Spend{
		{Spent: eur(250), Refunded: eur(50), Net: eur(200)},
		{Spent: money.Money{Minor: 100, Currency: "JPY"}, Refunded: money.Money{Currency: "JPY"}, Net: money.Money{Minor: 100, Currency: "JPY"}},
	}, spend["usr_12"])
}

func TestCustomerHistoriesInPages(t *testing.T) {
	w := newTables(t)
	for i := range 20 {
		w.exec(`INSERT INTO customer_history (customer_id, position, at, kind, event_id, reservation_id, tickets, amount, currency)
			VALUES ($1, $2, $3, 'RESERVATION_INITIATED', 'evt_1', 'rsv_1', 2, 100, 'EUR')`, "usr_"+strconv.Itoa(i%2), i+1, noon)
	}
	require.Equal(t, []string{"19", "17", "15", "13", "11", "9", "7", "5", "3", "1"}, readAllPages(t, func(args query.PageArgs) (query.Page[query.HistoryEntry], error) {
		pages, err := w.reader.HistoryPagesOf(t.Context(), []string{"usr_1", "usr_0", "usr_none"}, args)
		require.Empty(t, pages["usr_none"].Items)
		return pages["usr_0"], err
	}, func(e query.HistoryEntry) string { return strconv.FormatInt(e.Position, 10) }))
}
