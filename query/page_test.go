package query_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
	"ticketing/query"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// tables are the read tables and a reader of them.
type tables struct {
	t      *testing.T
	pool   *pgxpool.Pool
	reader *query.Reader
}

func newTables(t *testing.T) tables {
	t.Helper()
	pool := testenv.OpenPool(t, testenv.ReadDatabase(t))
	return tables{t: t, pool: pool, reader: query.NewReader(pool)}
}

func (w tables) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.pool.Exec(context.Background(), sql, args...)
	require.NoError(w.t, err)
}

func (w tables) addReservation(id, customer string, createdAt time.Time) {
	w.t.Helper()
	w.exec(`INSERT INTO reservations (id, version, event_id, customer_id, status, seats, total, currency, created_at, expires_at, metadata)
		VALUES ($1, 1, 'evt_1', $2, 'SEATS_RESERVED', '[]', 100, 'EUR', $3, $3, '{}')`, id, customer, createdAt)
}

func (w tables) addEvent(id, status, organizer string, createdAt time.Time) {
	w.t.Helper()
	w.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation,
		payment_attempts, status, created_at, search) VALUES ($1, 1, $3, $1, '', '', $4, 8, 1, $2, $4, '')`, id, status, organizer, createdAt)
}

func (w tables) page(args query.PageArgs) query.Page[query.Reservation] {
	w.t.Helper()
	page, err := w.reader.ReservationPage(context.Background(), of("usr_1"), args)
	require.NoError(w.t, err)
	return page
}

func ids(page query.Page[query.Reservation]) []string {
	found := []string{}
	for _, r := range page.Items {
		found = append(found, r.ID)
	}
	return found
}

func of(customer string) query.Filter { return query.Filter{CustomerID: &customer} }

func first(n int) query.PageArgs { return query.PageArgs{First: &n} }

func last(n int) query.PageArgs { return query.PageArgs{Last: &n} }

// newTenReservations adds ten reservations, two in each microsecond, so that the id orders neighbours; rsv_9 is the newest.
func newTenReservations(t *testing.T) (w tables, newestFirst []string) {
	t.Helper()
	w = newTables(t)
	for i := range 10 {
		id := fmt.Sprintf("rsv_%d", i)
		w.addReservation(id, "usr_1", noon.Add(time.Duration(i/2)*time.Microsecond))
		newestFirst = append(newestFirst, id)
	}
	w.addReservation("rsv_other", "usr_2", noon)
	slices.Reverse(newestFirst)
	return w, newestFirst
}

func TestPagingForwardReturnsAllInOrder(t *testing.T) {
	w, newestFirst := newTenReservations(t)
	found := []string{}
	args := first(3)
	for {
		page := w.page(args)
		found = append(found, ids(page)...)
		require.Equal(t, args.After != nil, page.Info.HasPreviousPage)
		require.Equal(t, page.Cursors[0], *page.Info.StartCursor)
		if !page.Info.HasNextPage {
			break
		}
		require.Len(t, page.Items, 3)
		args.After = page.Info.EndCursor
	}
	require.Equal(t, newestFirst, found)
}

func TestPagingBackwardReturnsAllInOrder(t *testing.T) {
	w, newestFirst := newTenReservations(t)
	found := []string{}
	args := last(3)
	for {
		page := w.page(args)
		found = append(ids(page), found...)
		require.Equal(t, args.Before != nil, page.Info.HasNextPage)
		if !page.Info.HasPreviousPage {
			break
		}
		args.Before = page.Info.StartCursor
	}
	require.Equal(t, newestFirst, found)
}

func TestAListIsPagedFromItsOldestOn(t *testing.T) {
	w, newestFirst := newTenReservations(t)
	oldestFirst := slices.Clone(newestFirst)
	slices.Reverse(oldestFirst)
	found := []string{}
	args := first(3)
	args.Reversed = true
	for {
		page := w.page(args)
		found = append(found, ids(page)...)
		require.Equal(t, args.After != nil, page.Info.HasPreviousPage)
		require.Equal(t, page.Cursors[0], *page.Info.StartCursor)
		require.Equal(t, page.Cursors[len(page.Cursors)-1], *page.Info.EndCursor)
		if !page.Info.HasNextPage {
			break
		}
		args.After = page.Info.EndCursor
	}
	require.Equal(t, oldestFirst, found)

	newest := w.page(query.PageArgs{Last: new(2), Reversed: true})
	require.Equal(t, oldestFirst[8:], ids(newest))
	require.True(t, newest.Info.HasPreviousPage)
	require.False(t, newest.Info.HasNextPage)
	older := w.page(query.PageArgs{First: new(1), After: newest.Info.StartCursor})
	require.Equal(t, newestFirst[2:3], ids(older), "a cursor is one in both directions")
	_, err := w.reader.ReservationPage(t.Context(), of("usr_1"), query.PageArgs{After: new("x"), Reversed: true})
	require.ErrorContains(t, err, "after")
}

func TestAPageLiesBetweenItsCursors(t *testing.T) {
	w, newestFirst := newTenReservations(t)
	all := w.page(query.PageArgs{})
	args := first(2)
	args.After, args.Before = &all.Cursors[1], &all.Cursors[8]
	require.Equal(t, newestFirst[2:4], ids(w.page(args)))
	args.First, args.Last = nil, args.First
	require.Equal(t, newestFirst[6:8], ids(w.page(args)))
}

func TestPagesStayPutWhileRowsAreAdded(t *testing.T) {
	w, newestFirst := newTenReservations(t)
	one := w.page(first(4))
	w.addReservation("rsv_newer", "usr_1", noon.Add(time.Hour))
	w.addReservation("rsv_a", "usr_1", noon.Add(3*time.Microsecond)) // between those on the first page
	args := first(4)
	args.After = one.Info.EndCursor
	two := w.page(args)
	require.Equal(t, newestFirst[4:8], ids(two))
	back := last(4)
	back.Before = two.Info.StartCursor
	require.Equal(t, []string{"rsv_8", "rsv_a", "rsv_7", "rsv_6"}, ids(w.page(back)), "the added row is in its place")
}

func TestPageSizesAreBounded(t *testing.T) {
	w := newTables(t)
	for i := range 120 {
		w.addReservation(fmt.Sprintf("rsv_%03d", i), "usr_1", noon)
	}
	require.Len(t, w.page(query.PageArgs{}).Items, 20)
	require.Len(t, w.page(first(100)).Items, 100)
	none := w.page(first(0))
	require.Empty(t, none.Items)
	require.True(t, none.Info.HasNextPage)
	require.Nil(t, none.Info.EndCursor)
	require.Len(t, w.page(first(100)).Cursors, 100)
}

func TestInvalidPageArgumentsAreRefused(t *testing.T) {
	w, _ := newTenReservations(t)
	one, negative := 1, -1
	page := w.page(first(1))
	bad := map[string]query.PageArgs{
		"first and last": {First: &one, Last: &one},
		"negative first": {First: &negative},
		"negative last":  {Last: &negative},
	}
	for name, cursor := range map[string]string{
		"not base64": "?", "empty": "", "other text": "aGVsbG8", "cut": page.Cursors[0][:10], "huge": string(make([]byte, 1<<20)),
		"without id":   "cmVzZXJ2YXRpb246MTo",                                // reservation:1:
		"NUL":          "cmVzZXJ2YXRpb246MToA",                               // reservation:1:\0
		"far too late": "cmVzZXJ2YXRpb246OTIyMzM3MjAzNjg1NDc3NTgwNzpyc3ZfMQ", // reservation:9223372036854775807:rsv_1
	} {
		bad[name] = query.PageArgs{After: &cursor}
		bad[name+", before"] = query.PageArgs{Before: &cursor}
	}
	for name, args := range bad {
		var refused *query.CursorError
		_, err := w.reader.ReservationPage(t.Context(), of("usr_1"), args)
		require.ErrorAs(t, err, &refused, name)
	}
	var refused *query.CursorError
	_, err := w.reader.EventPage(t.Context(), query.EventFilter{}, query.PageArgs{After: &page.Cursors[0]})
	require.ErrorAs(t, err, &refused, "a cursor of another list")
	_, err = readSeats(t, w.reader, "evt_1/floor", query.PageArgs{After: &page.Cursors[0]})
	require.ErrorAs(t, err, &refused, "a cursor of another list")
	_, err = w.reader.PaymentPage(t.Context(), query.PaymentFilter{}, query.PageArgs{After: &page.Cursors[0]})
	require.ErrorAs(t, err, &refused, "a cursor of another list")
}
