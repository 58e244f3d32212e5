package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsRevealNothingInternal(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := a.as(newUser())
	a.exec(`ALTER TABLE events RENAME TO lost`)
	got := a.do(`{ event(id: "evt_01h455vb4pex5vsknk084sn02q") { id } me { id } }`, nil, append(me, "X-Request-ID", "req-9")...)
	require.Equal(t, "INTERNAL", got.code())
	require.Equal(t, []any{"event"}, got.Errors[0].Path)
	require.NotContains(t, got.body, "does not exist")
	require.NotNil(t, got.Data["me"], "a field that fails does not affect its neighbours")
	require.Contains(t, a.log.String(), "does not exist")
	require.Contains(t, a.log.String(), "req-9")
}

func TestSeatsComeInPages(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	e := a.addEvent(newUser(), "SALES_OPEN")
	a.exec(`INSERT INTO inventories VALUES ($1, 4)`, e.ID)
	a.exec(`INSERT INTO sections SELECT $1, 'Box', 0, 100, 'EUR', true, 3, 3, 0, 0`, e.ID)
	a.exec(`INSERT INTO seats (event_id, section, ordinal, label, status) SELECT $1, 'Box', i, 'A-' || i, 'AVAILABLE' FROM generate_series(1, 3) i`, e.ID)
	const seats = `query($e: ID!, $after: String) { event(id: $e) { inventoryVersion sections { name seats(first: 2, after: $after) { edges { cursor node { label status } } } } } }`
	got := a.do(seats, vars{"e": e.ID}).field(t, "event")
	require.EqualValues(t, 4, got["inventoryVersion"])
	page := func(event map[string]any) []any {
		return event["sections"].([]any)[0].(map[string]any)["seats"].(map[string]any)["edges"].([]any)
	}
	require.Len(t, page(got), 2)
	last := page(got)[1].(map[string]any)
	require.Equal(t, map[string]any{"label": "A-2", "status": "AVAILABLE"}, last["node"])
	rest := page(a.do(seats, vars{"e": e.ID, "after": last["cursor"]}).field(t, "event"))
	require.Len(t, rest, 1)
	require.Equal(t, "A-3", rest[0].(map[string]any)["node"].(map[string]any)["label"])
}
