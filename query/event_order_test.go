package query_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/query"
)

// eventOrders are all orders, with what PostgreSQL orders by.
var eventOrders = map[query.EventOrder]string{
	{By: query.ByCreation}: `created_at DESC, id DESC`, {By: query.ByCreation, Ascending: true}: `created_at, id`,
	{By: query.ByStart}: `starts_at DESC, id DESC`, {By: query.ByStart, Ascending: true}: `starts_at, id`,
	{By: query.ByName}: `lower(name) COLLATE "C" DESC, id DESC`, {By: query.ByName, Ascending: true}: `lower(name) COLLATE "C", id`,
}

// newDozenEvents adds events of which several have the same time or name, and a draft of another organizer.
func newDozenEvents(t *testing.T) tables {
	t.Helper()
	w := newTables(t)
	w.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts,
			status, created_at, search)
		SELECT 'evt_' || lpad(n::text, 2, '0'), 1, 'usr_1', (array['Ballet', 'ballet', 'Äpfel: ein Stück', 'Zirkus', 'aria'])[n % 5 + 1], '', '',
			$1::timestamptz + n * 7 % 4 * interval '1 hour', 8, 1, CASE n WHEN 12 THEN 'DRAFT' ELSE 'PUBLISHED' END,
			$1::timestamptz + n * 5 % 6 * interval '1 minute', array_to_tsvector(array['evening'])
		FROM generate_series(0, 12) n`, noon)
	return w
}

func (w tables) eventPage(f query.EventFilter, args query.PageArgs) (page query.Page[query.Event], ids []string) {
	w.t.Helper()
	page, err := w.reader.EventPage(w.t.Context(), f, args)
	require.NoError(w.t, err)
	require.Len(w.t, page.Cursors, len(page.Items))
	for _, e := range page.Items {
		ids = append(ids, e.ID)
	}
	return page, ids
}

func TestEventsAreListedInEachOrder(t *testing.T) {
	w := newDozenEvents(t)
	evening := "evening"
	for order, sql := range eventOrders {
		var want []string
		require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY `+sql+`) FROM events WHERE status = 'PUBLISHED'`).Scan(&want))
		for name, f := range map[string]query.EventFilter{"all": {Order: order}, "found": {Order: order, Search: &evening}} {
			name := fmt.Sprintf("%s %v", name, order)
			require.Equal(t, want, w.pageForward(f), name)
			require.Equal(t, want, w.pageBackward(f), name)
			all, _ := w.eventPage(f, first(100))
			_, between := w.eventPage(f, query.PageArgs{After: &all.Cursors[2], Before: &all.Cursors[9]})
			require.Equal(t, want[3:9], between, name)
		}
	}
}

func (w tables) pageForward(f query.EventFilter) (found []string) {
	w.t.Helper()
	for args := first(5); ; {
		page, ids := w.eventPage(f, args)
		found = append(found, ids...)
		require.Equal(w.t, args.After != nil, page.Info.HasPreviousPage)
		if args.After = page.Info.EndCursor; !page.Info.HasNextPage {
			return found
		}
	}
}

func (w tables) pageBackward(f query.EventFilter) (found []string) {
	w.t.Helper()
	for args := last(5); ; {
		page, ids := w.eventPage(f, args)
		found = slices.Concat(ids, found)
		if args.Before = page.Info.StartCursor; !page.Info.HasPreviousPage {
			return found
		}
	}
}

func TestACursorOfAnotherOrderIsRefused(t *testing.T) {
	w := newDozenEvents(t)
	for order := range eventOrders {
		page, _ := w.eventPage(query.EventFilter{Order: order}, first(1))
		for other := range eventOrders {
			var refused *query.CursorError
			_, err := w.reader.EventPage(t.Context(), query.EventFilter{Order: other}, query.PageArgs{After: page.Info.EndCursor})
			if other == order {
				require.NoError(t, err)
				continue
			}
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "after is not a cursor of this list in this order", refused.Message)
			_, err = w.reader.EventPage(t.Context(), query.EventFilter{Order: other}, query.PageArgs{Before: page.Info.EndCursor})
			require.ErrorContains(t, err, "before is not")
		}
	}
}
