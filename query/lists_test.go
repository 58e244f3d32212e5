package query_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/query"
)

func TestDraftsAreListedForTheirOrganizerAndAdmins(t *testing.T) {
	w := newTables(t)
	w.addEvent("evt_1", "DRAFT", "usr_1", noon)
	w.addEvent("evt_2", "DRAFT", "usr_2", noon.Add(time.Hour))
	w.addEvent("evt_3", "PUBLISHED", "usr_2", noon.Add(2*time.Hour))
	w.addEvent("evt_4", "SALES_OPEN", "usr_2", noon.Add(3*time.Hour))

	draft, two, hour, third := "DRAFT", "usr_2", noon.Add(time.Hour), noon.Add(3*time.Hour)
	for name, tc := range map[string]struct {
		filter query.EventFilter
		ids    []string
	}{
		"not signed in":         {query.EventFilter{}, []string{"evt_4", "evt_3"}},
		"an organizer":          {query.EventFilter{Viewer: "usr_1"}, []string{"evt_4", "evt_3", "evt_1"}},
		"an admin":              {query.EventFilter{All: true}, []string{"evt_4", "evt_3", "evt_2", "evt_1"}},
		"drafts, not signed in": {query.EventFilter{Status: &draft}, []string{}},
		"drafts, organizer":     {query.EventFilter{Status: &draft, Viewer: "usr_2"}, []string{"evt_2"}},
		"drafts, admin":         {query.EventFilter{Status: &draft, All: true}, []string{"evt_2", "evt_1"}},
		"own events":            {query.EventFilter{OrganizerID: &two, Viewer: "usr_2"}, []string{"evt_4", "evt_3", "evt_2"}},
		"another's events":      {query.EventFilter{OrganizerID: &two, Viewer: "usr_1"}, []string{"evt_4", "evt_3"}},
		"another's drafts":      {query.EventFilter{OrganizerID: &two, Viewer: "usr_1", Status: &draft}, []string{}},
		"from hour to hour":     {query.EventFilter{All: true, StartsAfter: &hour, StartsBefore: &third}, []string{"evt_3", "evt_2"}},
		"after the earliest":    {query.EventFilter{All: true, StartsAfter: &noon}, []string{"evt_4", "evt_3", "evt_2", "evt_1"}},
	} {
		for _, args := range []query.PageArgs{first(10), last(10)} {
			page, err := w.reader.EventPage(t.Context(), tc.filter, args)
			require.NoError(t, err)
			found := []string{}
			for _, e := range page.Items {
				found = append(found, e.ID)
			}
			require.Equal(t, tc.ids, found, name)
		}
	}
	events, err := w.reader.Events(t.Context(), []string{"evt_1", "evt_4", "evt_none"})
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, "usr_1", events["evt_1"].OrganizerID)
}

func TestSeatsAreListedRowByRow(t *testing.T) {
	w := newTables(t)
	for i := range 12 {
		w.exec(`INSERT INTO seats VALUES ('evt_1', 'floor', $1, $2, 'AVAILABLE')`, "A-"+strconv.Itoa(i+1), i)
	}
	w.exec(`INSERT INTO seats VALUES ('evt_1', 'balcony', 'A-1', 0, 'SOLD')`)
	five := 5
	page, err := readSeats(t, w.reader, "evt_1/floor", query.PageArgs{First: &five})
	require.NoError(t, err)
	require.Equal(t, "A-1", page.Items[0].Label)
	require.True(t, page.Info.HasNextPage)
	page, err = readSeats(t, w.reader, "evt_1/floor", query.PageArgs{First: &five, After: page.Info.EndCursor})
	require.NoError(t, err)
	require.Equal(t, "A-10", page.Items[4].Label, "by number, not by letter")
	page, err = readSeats(t, w.reader, "evt_1/floor", query.PageArgs{Last: &five, Before: page.Info.StartCursor})
	require.NoError(t, err)
	require.Equal(t, "A-1", page.Items[0].Label)
	require.False(t, page.Info.HasPreviousPage)
	none, err := readSeats(t, w.reader, "evt_1/moon", query.PageArgs{})
	require.NoError(t, err)
	require.Empty(t, none.Items)
}

func TestSeatsAreFiltered(t *testing.T) {
	w := newTables(t)
	w.exec(`INSERT INTO seats (event_id, section, label, ordinal, status, accessible, restricted_view)
		SELECT 'evt_1', 'floor', 'A-' || n, n, (array['AVAILABLE', 'SOLD'])[n % 2 + 1], n % 3 = 0, n % 4 = 0 FROM generate_series(0, 11) n`)
	sold, yes, no := "SOLD", true, false
	for name, tc := range map[string]struct {
		filter query.SeatFilter
		want   []string
	}{
		"sold":                    {query.SeatFilter{Status: &sold}, []string{"A-1", "A-3", "A-5", "A-7", "A-9", "A-11"}},
		"accessible":              {query.SeatFilter{Accessible: &yes}, []string{"A-0", "A-3", "A-6", "A-9"}},
		"sold, not accessible":    {query.SeatFilter{Status: &sold, Accessible: &no}, []string{"A-1", "A-5", "A-7", "A-11"}},
		"accessible, good view":   {query.SeatFilter{Accessible: &yes, RestrictedView: &no}, []string{"A-3", "A-6", "A-9"}},
		"sold, with a restricted": {query.SeatFilter{Status: &sold, RestrictedView: &yes}, nil},
	} {
		for _, args := range []query.PageArgs{first(10), last(10)} {
			pages, err := w.reader.SeatPagesOf(t.Context(), []string{"evt_1/floor"}, tc.filter, args)
			require.NoError(t, err)
			var found []string
			for _, seat := range pages["evt_1/floor"].Items {
				found = append(found, seat.Label)
			}
			require.Equal(t, tc.want, found, name)
		}
	}
}

// readSeats reads a page of the seats of one section, which is named by its key.
func readSeats(t *testing.T, r *query.Reader, key string, args query.PageArgs) (query.Page[query.Seat], error) {
	t.Helper()
	pages, err := r.SeatPagesOf(t.Context(), []string{key}, query.SeatFilter{}, args)
	return pages[key], err
}

func TestPagesOfSeveralSectionsAreReadTogether(t *testing.T) {
	w := newTables(t)
	for _, section := range []string{"floor", "balcony"} {
		for i := range 3 {
			w.exec(`INSERT INTO seats VALUES ('evt_1', $3, $1, $2, 'AVAILABLE')`, section+"-"+strconv.Itoa(i+1), i, section)
		}
	}
	two := 2
	for _, args := range []query.PageArgs{{First: &two}, {Last: &two}} {
		pages, err := w.reader.SeatPagesOf(t.Context(), []string{"evt_1/floor", "evt_1/balcony", "evt_1/moon", "evt_2/floor"}, query.SeatFilter{}, args)
		require.NoError(t, err)
		require.Len(t, pages, 4)
		for _, section := range []string{"floor", "balcony"} {
			page := pages["evt_1/"+section]
			require.Len(t, page.Items, 2)
			require.Contains(t, page.Items[1].Label, section)
			require.Less(t, page.Items[0].Ordinal, page.Items[1].Ordinal)
		}
		require.Empty(t, pages["evt_1/moon"].Items)
		require.Empty(t, pages["evt_2/floor"].Items)
	}
}

func TestPaymentsAreListedByCustomerAndReservation(t *testing.T) {
	w := newTables(t)
	for i, customer := range []string{"usr_1", "usr_1", "usr_2"} {
		w.exec(`INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, status,
				gateway, created_at, metadata)
			VALUES ($1, 1, 'rsv_1', $2, 'evt_1', 100, 0, 'EUR', '[]', 'INITIATED', 'sandbox', $3, '{}')`,
			"pay_"+strconv.Itoa(i), customer, noon.Add(time.Duration(i)*time.Second))
	}
	for _, args := range []query.PageArgs{first(5), last(5)} {
		page, err := w.reader.PaymentPage(t.Context(), query.PaymentFilter{Filter: of("usr_1")}, args)
		require.NoError(t, err)
		require.Equal(t, []string{"pay_1", "pay_0"}, []string{page.Items[0].ID, page.Items[1].ID})
		require.Len(t, page.Items, 2)
	}
	byReservation, err := w.reader.PaymentsByReservation(t.Context(), []string{"rsv_1"})
	require.NoError(t, err)
	require.Equal(t, "pay_0", byReservation["rsv_1"][0].ID, "oldest first")
}

func TestSearchReturnsTheSamePagesForRareAndFrequentWords(t *testing.T) {
	w := newTables(t)
	w.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts,
			status, created_at, search)
		SELECT 'evt_' || n, 1, 'usr_1', '', '', '', $1, 8, 1, CASE WHEN n % 2 = 0 THEN 'PUBLISHED' ELSE 'DRAFT' END, $1::timestamptz + n / 2 * interval '1 second',
			array_to_tsvector(array['concert'] || CASE WHEN n % 3 = 0 THEN array['gala'] ELSE '{}' END)
		FROM generate_series(100, 3099) n`, noon)
	find := func(f query.EventFilter, args query.PageArgs) query.Page[query.Event] {
		t.Helper()
		page, err := w.reader.EventPage(t.Context(), f, args)
		require.NoError(t, err)
		return page
	}
	gala, concert, none := "Galá", "con", "opera"
	for name, c := range map[string]struct {
		filter query.EventFilter
		step   int // between matching events
	}{
		"few":             {query.EventFilter{Search: &gala}, 6},
		"just few enough": {query.EventFilter{Search: &gala, All: true}, 3},
		"many":            {query.EventFilter{Search: &concert}, 2},
		"all":             {query.EventFilter{Search: &concert, All: true}, 1},
	} {
		var want []string
		for n := 3099; n >= 100; n-- {
			if n%c.step == 0 {
				want = append(want, "evt_"+strconv.Itoa(n))
			}
		}
		// Ids of one second are ordered as text, which equals the order of numbers except between 999 and 1000, of different seconds.
		var found []string
		for args := first(100); ; {
			page := find(c.filter, args)
			for _, e := range page.Items {
				found = append(found, e.ID)
			}
			if args.After = page.Info.EndCursor; !page.Info.HasNextPage {
				break
			}
		}
		require.Equal(t, want, found, name)
		require.Equal(t, want[len(want)-1], find(c.filter, last(1)).Items[0].ID, name)
	}
	require.Empty(t, find(query.EventFilter{Search: &none}, first(5)).Items)
}
