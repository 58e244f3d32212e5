package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
)

func TestErrorsRevealNothingInternal(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := a.as(newUser())
	a.exec(`ALTER TABLE events RENAME TO lost`)
	got := a.do(`{ event(id: "evt_01h455vb4pex5vsknk084sn02q") { id } me { id } }`, nil, append(me, "X-Request-ID", "req-9")...)
	require.Equal(t, "INTERNAL", got.code())
	require.Equal(t, []any{"event"}, got.Errors[0].Path)
	require.Equal(t, "req-9", got.Errors[0].Extensions["requestId"])
	require.NotContains(t, got.body, "does not exist")
	require.NotNil(t, got.Data["me"], "a field that fails does not affect its neighbours")
	require.Contains(t, a.log.String(), "does not exist")
	require.Contains(t, a.log.String(), "req-9")
}

// What several clients share is logged once, under an id that all of them get.
func TestTheErrorOfASharedSubscriptionHasTheIDOfItsLog(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	eventID := a.addArena(1, 30)
	a.exec(`ALTER TABLE seats RENAME TO lost`)
	requestID := ""
	for _, viewer := range []string{`null`, a.bearer(newUser())} {
		w := a.dial().init(viewer)
		w.subscribe("1", `subscription($id: ID!) { availability(eventId: $id) { sections { seats(first: 1) { nodes { label } } } } }`, vars{"id": eventID})
		failed := w.receive()["payload"].(map[string]any)["errors"].([]any)[0].(map[string]any)["extensions"].(map[string]any)
		require.Equal(t, "INTERNAL", failed["code"])
		if requestID == "" {
			requestID = failed["requestId"].(string)
		}
		require.Equal(t, requestID, failed["requestId"])
	}
	logged := slices.Collect(strings.Lines(a.log.String()))
	require.True(t, slices.ContainsFunc(logged, func(line string) bool {
		return strings.Contains(line, "does not exist") && strings.Contains(line, requestID)
	}), requestID)
}

func TestEventsAreOrderedAsAskedFor(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	for i, name := range []string{"Zirkus", "aria", "Ballet"} {
		e := a.addEvent(newUser(), "SALES_OPEN")
		a.exec(`UPDATE events SET name = $2, starts_at = now() + $3 * interval '1 day' WHERE id = $1`, e.ID, name, i)
	}
	const list = `query($o: EventOrder, $first: Int, $after: String) { events(orderBy: $o, first: $first, after: $after) { edges { cursor node { name } } } }`
	names := func(order vars) (names []string, cursor string) {
		for _, edge := range a.do(list, vars{"o": order}).field(t, "events")["edges"].([]any) {
			cursor = edge.(map[string]any)["cursor"].(string)
			names = append(names, edge.(map[string]any)["node"].(map[string]any)["name"].(string))
		}
		return names, cursor
	}
	byName, cursor := names(vars{"field": "NAME"})
	require.Equal(t, []string{"aria", "Ballet", "Zirkus"}, byName)
	latest, _ := names(vars{"field": "STARTS_AT", "direction": "DESC"})
	require.Equal(t, []string{"Ballet", "aria", "Zirkus"}, latest)
	newest, _ := names(nil)
	require.Equal(t, []string{"Ballet", "aria", "Zirkus"}, newest)
	oldest, _ := names(vars{"field": "CREATED_AT"})
	require.Equal(t, []string{"Zirkus", "aria", "Ballet"}, oldest)

	wrong := a.do(list, vars{"o": vars{"field": "STARTS_AT"}, "after": cursor})
	require.Equal(t, "BAD_USER_INPUT", wrong.code())
	require.Contains(t, wrong.Errors[0].Message, "after is not a cursor of this list in this order")
	require.Equal(t, "BAD_USER_INPUT", a.do(list, vars{"first": 101}).code())
}

func TestSeatsAreFilteredAndCounted(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	e := a.addEvent(newUser(), "SALES_OPEN")
	a.exec(`INSERT INTO inventories VALUES ($1, 4)`, e.ID)
	a.exec(`INSERT INTO sections SELECT $1, 'Box', 0, 100, 'EUR', true, 5, 3, 0, 2`, e.ID)
	a.exec(`INSERT INTO sections SELECT $1, 'Lawn', 1, 100, 'EUR', false, 50, 50, 0, 0`, e.ID)
	a.exec(`INSERT INTO seats (event_id, section, ordinal, label, status, accessible)
		SELECT $1, 'Box', i, 'A-' || i, CASE WHEN i < 4 THEN 'AVAILABLE' ELSE 'SOLD' END, i = 5 FROM generate_series(1, 5) i`, e.ID)
	const seats = `query($e: ID!, $s: String!, $f: SeatFilter) { event(id: $e) { section(name: $s) { seats(filter: $f, first: 2) { totalCount nodes { label } pageInfo { hasNextPage } } } } }`
	list := func(section string, filter vars) map[string]any {
		return a.do(seats, vars{"e": e.ID, "s": section, "f": filter}).field(t, "event")["section"].(map[string]any)["seats"].(map[string]any)
	}
	all := list("Box", nil)
	require.EqualValues(t, 5, all["totalCount"])
	sold := list("Box", vars{"status": "SOLD"})
	require.EqualValues(t, 2, sold["totalCount"])
	require.Equal(t, []any{map[string]any{"label": "A-4"}, map[string]any{"label": "A-5"}}, sold["nodes"])
	none := list("Box", vars{"status": "BLOCKED"})
	require.EqualValues(t, 0, none["totalCount"])
	require.Empty(t, none["nodes"])
	accessible := list("Box", vars{"accessible": true})
	require.Nil(t, accessible["totalCount"])
	require.Equal(t, []any{map[string]any{"label": "A-5"}}, accessible["nodes"])
	require.EqualValues(t, 0, list("Lawn", nil)["totalCount"])
	require.Equal(t, "BAD_USER_INPUT", a.do(`query($e: ID!) { event(id: $e) { section(name: "Box") { seats(first: 101) { totalCount } } } }`, vars{"e": e.ID}).code())
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

func TestTheFieldsThatClientsSelectAreInTheMetrics(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.ClientNames = []string{"box-office"} })
	eventID := a.addArena(1, 30)
	for _, client := range []string{"box-office", "box-office", "ticketing-go", "a stranger", ""} {
		got := a.do(`query($id: ID!) { event(id: $id) { ...names } } fragment names on Event { name sections { name } }`, vars{"id": eventID}, "apollographql-client-name", client)
		got.field(t, "event")
		events := a.listen(`subscription($id: ID!) { seatChanges(eventId: $id) { version } }`, vars{"id": eventID}, "apollographql-client-name", client)
		require.Equal(t, "next", events.next().name)
	}
	families, err := a.metrics.Gather()
	require.NoError(t, err)
	counts := map[string]map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "ticketing_graphql_field_operations_total" {
				client, field := metric.GetLabel()[0].GetValue(), metric.GetLabel()[1].GetValue()
				if counts[client] == nil {
					counts[client] = map[string]float64{}
				}
				counts[client][field] = metric.GetCounter().GetValue()
			}
		}
	}
	fields := func(n float64) map[string]float64 {
		return map[string]float64{
			"Query.event": n, "Event.name": n, "Event.sections": n, "Section.name": n, "Subscription.seatChanges": n, "SeatChanges.version": n,
		}
	}
	require.Equal(t, map[string]map[string]float64{"box-office": fields(2), "ticketing-go": fields(1), "other": fields(1), "none": fields(1)}, counts)
}
