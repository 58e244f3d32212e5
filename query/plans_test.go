package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
	"ticketing/query"
	"ticketing/query/db"
)

// Every query of sql/query is planned here over a million rows, with all of its filters. It must read little more than it returns: by an
// index, without sorting the table. The plans are those of the Reader's own calls.

const million = 1_000_000

// explainer also runs every query under EXPLAIN, and fails the test for one that reads too much.
type explainer struct {
	db.DBTX

	t    *testing.T
	pool *pgxpool.Pool
	seen map[string]bool // the names of the queries that were explained
	most float64         // how many rows a query may read
}

// plan is a node of EXPLAIN's result.
type plan struct {
	Node    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"`
	Checked float64 `json:"Rows Removed by Index Recheck"`
	Plans   []plan
}

// rowsRead returns how many rows the scans at and below a node have read.
func (p plan) rowsRead() float64 {
	var rows float64
	if p.Table != "" { // a bitmap's rows are counted where the table is read
		rows = (p.Rows + p.Removed + p.Checked) * p.Loops
	}
	for _, child := range p.Plans {
		rows += child.rowsRead()
	}
	return rows
}

var queryName = regexp.MustCompile(`-- name: (\w+)`)

// Query implements db.DBTX.
func (e *explainer) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	e.t.Helper()
	e.seen[queryName.FindStringSubmatch(sql)[1]] = true
	// EXPLAIN is planned for its arguments, whatever the mode.
	e.requireFewRows(sql, args, e.explain(e.pool, `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+sql, args...))
	if _, planned := args[0].(pgx.QueryExecMode); !planned {
		e.requireFewRows(sql, args, e.genericPlan(sql, args))
	}
	return e.DBTX.Query(ctx, sql, args...)
}

// genericPlan returns the plan that a prepared statement has for all arguments.
func (e *explainer) genericPlan(sql string, args []any) plan {
	e.t.Helper()
	tx, err := e.pool.Begin(e.t.Context())
	require.NoError(e.t, err)
	defer tx.Rollback(e.t.Context())
	for _, statement := range []string{`SET LOCAL plan_cache_mode = force_generic_plan`, `PREPARE prepared AS ` + sql} {
		_, err = tx.Exec(e.t.Context(), statement, pgx.QueryExecModeSimpleProtocol)
		require.NoError(e.t, err)
	}
	numbers := make([]string, len(args))
	for i := range args {
		numbers[i] = fmt.Sprintf("$%d", i+1)
	}
	p := e.explain(tx, `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE prepared(`+strings.Join(numbers, ", ")+`)`,
		append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	_, err = tx.Exec(e.t.Context(), `DEALLOCATE prepared`)
	require.NoError(e.t, err)
	return p
}

type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (e *explainer) explain(by rower, sql string, args ...any) plan {
	e.t.Helper()
	var result []byte
	require.NoError(e.t, by.QueryRow(e.t.Context(), sql, args...).Scan(&result), sql)
	var plans []struct{ Plan plan }
	require.NoError(e.t, json.Unmarshal(result, &plans))
	return plans[0].Plan
}

func (e *explainer) requireFewRows(sql string, args []any, p plan) {
	e.t.Helper()
	if p.rowsRead() > e.most {
		tree, _ := json.Marshal(p)
		assert.Failf(e.t, "reads too much", "%.0f rows\n%s\n%s\n%s", p.rowsRead(), sql, printArgs(args), tree)
	}
}

// printArgs prints arguments, following pointers.
func printArgs(args []any) string {
	text, _ := json.Marshal(args)
	return string(text)
}

// newExplainedReader returns a reader whose queries are explained, over read tables that SQL statements fill.
func newExplainedReader(t *testing.T, seen map[string]bool, most float64, fill ...string) *query.Reader {
	t.Helper()
	pool := testenv.OpenPool(t, testenv.ReadDatabase(t))
	began := time.Now()
	indexes := dropIndexes(t, pool) // building them over the filled tables is many times faster
	for _, statement := range slices.Concat(fill, indexes, []string{`ANALYZE`}) {
		_, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	t.Logf("filled in %s", time.Since(began).Round(time.Millisecond))
	return query.NewReader(&explainer{DBTX: pool, t: t, pool: pool, seen: seen, most: most})
}

// dropIndexes drops all indexes except primary keys and returns the statements that create them again.
func dropIndexes(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT indexname::text, indexdef FROM pg_indexes
		WHERE schemaname = current_schema() AND indexname NOT IN (SELECT conname FROM pg_constraint)`)
	require.NoError(t, err)
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Definition string }])
	require.NoError(t, err)
	var definitions []string
	for _, index := range indexes {
		_, err := pool.Exec(t.Context(), `DROP INDEX `+index.Name)
		require.NoError(t, err)
		definitions = append(definitions, index.Definition)
	}
	return definitions
}

func TestEveryQueryUsesAnIndex(t *testing.T) {
	if testing.Short() {
		t.Skip("fills tables with a million rows")
	}
	seen := map[string]bool{}
	for name, plans := range map[string]func(*testing.T, map[string]bool){
		"reservations": plansOfReservations, "payments": plansOfPayments, "events": plansOfEvents, "availability": plansOfAvailability,
		"sales": plansOfSales, "customers": plansOfCustomers,
	} {
		t.Run(name, func(t *testing.T) { plans(t, seen) })
	}
	// The first reads tables of a few rows, the second is for metrics: what is on sale or undecided, by the indexes on statuses.
	unbounded := []string{"projections.sql", "totals.sql"}
	files, err := filepath.Glob("../sql/query/*.sql")
	require.NoError(t, err)
	for _, file := range files {
		if slices.Contains(unbounded, filepath.Base(file)) {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range queryName.FindAllStringSubmatch(string(text), -1) {
			require.True(t, seen[name[1]], "no plan of %s was checked", name[1])
		}
	}
}

// A million reservations of one year: 5 % of one big event and the rest of a thousand, by 200,000 customers. Statuses are
// skewed as in production.
const fillReservations = `
INSERT INTO reservations (id, version, event_id, customer_id, status, seats, tickets, total, currency, created_at, expires_at, metadata)
SELECT 'rsv_' || n, 3, CASE WHEN n % 20 = 0 THEN 'evt_big' ELSE 'evt_' || n % 1000 END, 'usr_' || n % 200000,
	CASE WHEN n % 100 < 80 THEN 'COMPLETED' WHEN n % 100 < 90 THEN 'EXPIRED' WHEN n % 100 < 99 THEN 'CANCELLED'
		WHEN n % 10000 = 99 THEN 'PAYMENT_PENDING' ELSE 'REFUNDED' END,
	'[]', CASE WHEN n % 100 < 80 THEN jsonb_build_array('tkt_' || n) ELSE '[]' END, 100, 'EUR', at, at, '{}'
FROM generate_series(1, 1000000) n, LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '30 seconds' AS at) t`

const fillPayments = `
INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, disputes, status, gateway, created_at, metadata)
SELECT 'pay_' || n, 3, 'rsv_' || n, 'usr_' || n % 200000, CASE WHEN n % 20 = 0 THEN 'evt_big' ELSE 'evt_' || n % 1000 END, 100, 0, 'EUR',
	CASE WHEN n % 100 = 0 THEN jsonb_build_array(jsonb_build_object('id', 'rfd_' || n, 'status', CASE WHEN n % 10000 = 0 THEN 'FAILED' ELSE 'COMPLETED' END)) ELSE '[]' END,
	CASE WHEN n % 1000 = 0 THEN jsonb_build_array(jsonb_build_object('id', 'dsp_' || n)) ELSE '[]' END,
	CASE WHEN n % 100 < 85 THEN 'COMPLETED' WHEN n % 100 < 99 THEN 'FAILED' WHEN n % 10000 = 99 THEN 'PROCESSING' ELSE 'REFUNDED' END,
	CASE WHEN n % 4 = 0 THEN 'paypal' ELSE 'stripe' END, timestamptz '2026-01-01Z' + n * interval '30 seconds', '{}'
FROM generate_series(1, 1000000) n`

func maybe(values ...string) []*string {
	all := []*string{nil}
	for i := range values {
		all = append(all, &values[i])
	}
	return all
}

// testedFilters returns filters alone and combined, for values with many, few and no rows.
func testedFilters() []query.Filter {
	var all []query.Filter
	from := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 0, 1)
	for _, status := range maybe("COMPLETED", "REFUNDED", "PAYMENT_PENDING", "COMPENSATED") {
		for _, event := range maybe("evt_big", "evt_501", "evt_none") {
			for _, customer := range maybe("usr_17", "usr_none") {
				f := query.Filter{Status: status, EventID: event, CustomerID: customer}
				within := f
				within.CreatedAfter, within.CreatedBefore = &from, &until
				all = append(all, f, within)
			}
		}
	}
	return all
}

func numbered(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s_%d", prefix, i)
	}
	return ids
}

func plansOfReservations(t *testing.T, seen map[string]bool) {
	reader := newExplainedReader(t, seen, million/100, `ALTER TABLE reservations SET UNLOGGED`, fillReservations)
	ctx := t.Context()
	_, err := reader.Reservations(ctx, numbered("rsv", 500))
	require.NoError(t, err)
	_, err = reader.ReservationsByTicket(ctx, numbered("tkt", 10))
	require.NoError(t, err)
	for _, f := range testedFilters() {
		for _, args := range []query.PageArgs{first(20), last(20)} {
			_, err := reader.ReservationPage(ctx, f, args)
			require.NoError(t, err)
			_, err = reader.ReservationPagesOf(ctx, query.OfCustomers, numbered("usr", 10), f, args)
			require.NoError(t, err)
			_, err = reader.ReservationPagesOf(ctx, query.OfEvents, numbered("evt", 10), f, args)
			require.NoError(t, err)
		}
	}
}

func plansOfPayments(t *testing.T, seen map[string]bool) {
	reader := newExplainedReader(t, seen, million/100, `ALTER TABLE payments SET UNLOGGED`, fillPayments)
	ctx := t.Context()
	_, err := reader.Payments(ctx, numbered("pay", 500))
	require.NoError(t, err)
	_, err = reader.ReservationsWithPayments(ctx, numbered("rsv", 500))
	require.NoError(t, err)
	_, err = reader.PaymentsByReservation(ctx, numbered("rsv", 500))
	require.NoError(t, err)
	_, err = reader.PaymentsByRefund(ctx, numbered("rfd", 10))
	require.NoError(t, err)
	_, err = reader.PaymentsByDispute(ctx, numbered("dsp", 10))
	require.NoError(t, err)
	for _, args := range []query.PageArgs{first(20), last(20)} {
		page, err := reader.PaymentPage(ctx, query.PaymentFilter{WaitingRefunds: true}, args)
		require.NoError(t, err)
		require.Len(t, page.Items, 20)
	}
	for _, f := range testedFilters() {
		for _, gateway := range maybe("paypal", "sandbox") {
			f := query.PaymentFilter{Filter: f, Gateway: gateway}
			for _, args := range []query.PageArgs{first(20), last(20)} {
				_, err := reader.PaymentPage(ctx, f, args)
				require.NoError(t, err)
				_, err = reader.PaymentPagesOf(ctx, query.OfCustomers, numbered("usr", 10), f, args)
				require.NoError(t, err)
				_, err = reader.PaymentPagesOf(ctx, query.OfEvents, numbered("evt", 10), f, args)
				require.NoError(t, err)
			}
		}
	}
}

// A million events of ten years by a thousand organizers, few of them in the future or on sale. All are concerts, one in a thousand is a
// gala.
const fillEvents = `
INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts, status,
	created_at, search)
SELECT 'evt_' || n, 3, 'usr_' || n % 1000, substr(md5(n::text), 1, 8), '', 'Hall', at + interval '60 days', 8, 1,
	CASE WHEN n % 100 = 0 THEN 'CANCELLED' WHEN n > 995000 THEN 'SALES_OPEN' WHEN n % 50 = 1 THEN 'DRAFT' ELSE 'COMPLETED' END,
	at, array_to_tsvector(array['concert', 'hall', 'n' || n] || CASE WHEN n % 1000 = 0 THEN array['gala'] ELSE '{}' END)
FROM generate_series(1, 1000000) n, LATERAL (SELECT timestamptz '2017-01-01Z' + n * interval '5 minutes' AS at) t`

func plansOfEvents(t *testing.T, seen map[string]bool) {
	reader := newExplainedReader(t, seen, million/20, `ALTER TABLE events SET UNLOGGED`, fillEvents)
	ctx := t.Context()
	_, err := reader.Events(ctx, numbered("evt", 500))
	require.NoError(t, err)
	plansOfEventOrders(t, reader)
	for _, viewer := range []query.EventFilter{{}, {Viewer: "usr_7"}, {All: true}} {
		for _, f := range testedEventFilters() {
			f.Viewer, f.All = viewer.Viewer, viewer.All
			pages := []query.PageArgs{first(20), last(20)}
			if f.StartsAfter != nil {
				pages = pages[:1] // the last of the future events, where the newest come last, is far away, and PostgreSQL does not know it
			}
			for _, args := range pages {
				_, err := reader.EventPage(ctx, f, args)
				require.NoError(t, err)
			}
		}
	}
}

// plansOfEventOrders checks the lists that are not in the order of creation. They differ by their filters, not by their direction.
func plansOfEventOrders(t *testing.T, reader *query.Reader) {
	t.Helper()
	for _, by := range []query.EventKey{query.ByStart, query.ByName} {
		for _, f := range testedEventFilters() {
			f.Viewer, f.Order = "usr_7", query.EventOrder{By: by, Ascending: true}
			_, err := reader.EventPage(t.Context(), f, first(20))
			require.NoError(t, err)
		}
		_, err := reader.EventPage(t.Context(), query.EventFilter{Order: query.EventOrder{By: by}}, first(20))
		require.NoError(t, err)
	}
}

// testedEventFilters returns filters alone and in pairs.
func testedEventFilters() []query.EventFilter {
	soon := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	week := soon.AddDate(0, 0, 7)
	var one []func(*query.EventFilter)
	for _, status := range maybe("SALES_OPEN", "COMPLETED", "DRAFT", "PUBLISHED") {
		one = append(one, func(f *query.EventFilter) { f.Status = status })
	}
	for _, organizer := range maybe("usr_7", "usr_none") {
		one = append(one, func(f *query.EventFilter) { f.OrganizerID = organizer })
	}
	for _, search := range maybe("concert", "gala", "gal", "n4711 hall", "nothing") {
		one = append(one, func(f *query.EventFilter) { f.Search = search })
	}
	one = append(one,
		func(f *query.EventFilter) { f.StartsAfter = &soon },
		func(f *query.EventFilter) { f.StartsAfter, f.StartsBefore = &soon, &week },
		func(f *query.EventFilter) { f.StartsBefore = &soon },
	)
	var all []query.EventFilter
	for i := range one {
		for j := range i + 1 {
			var f query.EventFilter
			one[i](&f)
			one[j](&f)
			all = append(all, f)
		}
	}
	return all
}

// A million seats of a hundred sections.
const fillSeats = `
INSERT INTO seats SELECT 'evt_' || n / 10000, 'Floor', 'A-' || n % 10000, n % 10000, 'AVAILABLE' FROM generate_series(0, 999999) n`

const fillSections = `
INSERT INTO sections SELECT 'evt_' || n / 2, CASE n % 2 WHEN 0 THEN 'Floor' ELSE 'Box' END, n % 2, 100, 'EUR', false, 10, 10, 0, 0
FROM generate_series(0, 199999) n`

func plansOfAvailability(t *testing.T, seen map[string]bool) {
	reader := newExplainedReader(t, seen, million/100, `ALTER TABLE seats SET UNLOGGED`, fillSeats, fillSections,
		`INSERT INTO inventories SELECT 'evt_' || n, 1 FROM generate_series(0, 99999) n`)
	_, err := reader.Inventories(t.Context(), numbered("evt", 100))
	require.NoError(t, err)
	for _, args := range []query.PageArgs{first(100), last(100)} {
		_, err = readSeats(t, reader, "evt_7/Floor", args)
		require.NoError(t, err)
	}
	sold, yes := "SOLD", true
	_, err = reader.SeatPagesOf(t.Context(), []string{"evt_7/Floor"}, query.SeatFilter{Status: &sold, Accessible: &yes, RestrictedView: &yes}, first(100))
	require.NoError(t, err)
	_, err = reader.SeatMaps(t.Context(), []string{"evt_7/Box"})
	require.NoError(t, err)
	_, err = reader.SeatsByLabel(t.Context(), "evt_7", 1, []query.SeatName{{Section: "Box", Label: "A-1"}, {Section: "Floor", Label: "A-2"}})
	require.NoError(t, err)
}

// A million days of sections of ten thousand events, and as many sections.
const (
	fillSales = `
INSERT INTO sales (event_id, section, day, currency, sold, returned, gross, refunded)
SELECT 'evt_' || n / 100, 'Section ' || n % 10, date '2026-01-01' + n / 10 % 10, 'EUR', 2, 1, 200, 100 FROM generate_series(0, 999999) n`
	fillSectionSales = `
INSERT INTO section_sales (event_id, section, currency, sold, returned, gross, refunded)
SELECT 'evt_' || n / 10, 'Section ' || n % 10, 'EUR', n % 5000, 0, 200, 100 FROM generate_series(0, 999999) n`
)

func plansOfSales(t *testing.T, seen map[string]bool) {
	reader := newExplainedReader(t, seen, million/100, `ALTER TABLE sales SET UNLOGGED`, `ALTER TABLE section_sales SET UNLOGGED`, fillSales, fillSectionSales)
	ctx := t.Context()
	_, err := reader.SalesReport(ctx, "evt_7", query.Days{})
	require.NoError(t, err)
	_, err = reader.SalesReport(ctx, "evt_7", query.Days{First: day(1), Last: day(2)})
	require.NoError(t, err)
	page, err := reader.SectionPage(ctx, first(20))
	require.NoError(t, err)
	for _, args := range []query.PageArgs{{After: page.Info.EndCursor}, {Before: page.Info.EndCursor}, last(20)} {
		_, err = reader.SectionPage(ctx, args)
		require.NoError(t, err)
	}
}

// A million customers over a year, a third of them paying in pounds, and a million entries in the histories of ten thousand of them.
const (
	fillCustomers = `
INSERT INTO customers SELECT 'usr_' || n, 3, 2, 1, 4, at, at + interval '1 hour'
FROM generate_series(1, 1000000) n, LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '30 seconds' AS at) t`
	fillSpend = `
INSERT INTO customer_spend (customer_id, currency, spent, refunded)
SELECT 'usr_' || n, CASE n % 3 WHEN 0 THEN 'GBP' ELSE 'EUR' END, n % 1000 * 100, 0 FROM generate_series(1, 1000000) n`
	fillHistory = `
INSERT INTO customer_history (customer_id, position, at, kind, event_id, reservation_id, tickets, amount, currency)
SELECT 'usr_' || n % 10000, n, now(), 'PAYMENT_COMPLETED', 'evt_1', 'rsv_1', 0, 100, 'EUR' FROM generate_series(1, 1000000) n`
)

func plansOfCustomers(t *testing.T, seen map[string]bool) {
	reader := newExplainedReader(t, seen, million/100, `ALTER TABLE customers SET UNLOGGED`, `ALTER TABLE customer_spend SET UNLOGGED`,
		`ALTER TABLE customer_history SET UNLOGGED`, fillCustomers, fillSpend, fillHistory)
	ctx := t.Context()
	_, err := reader.Customers(ctx, numbered("usr", 500))
	require.NoError(t, err)
	_, err = reader.SpendOf(ctx, numbered("usr", 500))
	require.NoError(t, err)
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	week := june.AddDate(0, 0, 7)
	for _, args := range []query.PageArgs{first(20), last(20)} {
		for _, f := range []query.CustomerFilter{
			{}, {FirstSeenAfter: &june}, {FirstSeenBefore: &june}, {FirstSeenAfter: &june, FirstSeenBefore: &week},
		} {
			_, err := reader.CustomerPage(ctx, f, args)
			require.NoError(t, err)
		}
		for _, currency := range []string{"EUR", "GBP", "USD"} {
			_, err := reader.TopCustomerPage(ctx, currency, args)
			require.NoError(t, err)
		}
		_, err = reader.HistoryPagesOf(ctx, numbered("usr", 100), args)
		require.NoError(t, err)
	}
}
