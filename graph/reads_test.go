package graph_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/ratelimit"
)

var anyProxy = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// addArena puts an event with sections of numbered seats on the read side: ten to a row.
func (a *api) addArena(sections, seats int) (eventID string) {
	a.t.Helper()
	eventID = a.addEvent(newUser(), "SALES_OPEN").ID
	a.exec(`INSERT INTO inventories VALUES ($1, 7)`, eventID)
	a.exec(`INSERT INTO sections SELECT $1, 'Block ' || i, i, 100, 'EUR', true, $3, $3, 0, 0 FROM generate_series(0, $2::int - 1) i`, eventID, sections, seats)
	a.exec(`INSERT INTO seats SELECT $1, 'Block ' || i, chr(65 + j / 10) || '-' || j % 10 + 1, j, 'AVAILABLE'
		FROM generate_series(0, $2::int - 1) i, generate_series(0, $3::int - 1) j`, eventID, sections, seats)
	return eventID
}

func TestTheSeatsOfAllSectionsAreReadInOneQuery(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	first, second := a.addArena(20, 30), a.addArena(1, 30)
	for query, want := range map[string]int{
		`{ events(first: 2) { nodes { sections { seats(first: 5) { nodes { label status } } } } } }`:                    21,
		`query($a: ID!, $b: ID!) { a: event(id: $a) { sections { ...s } } b: event(id: $b) { sections { ...s } } }` + s: 21,
		`query($a: ID!) { event(id: $a) { section(name: "block 3") { ...s } } }` + s:                                    1,
		`query($a: ID!) { event(id: $a) { sections { seatMap { rows { states } } } } }`:                                 20,
	} {
		a.queries.take()
		got := a.do(query, vars{"a": first, "b": second})
		require.Empty(t, got.Errors, got.body)
		require.Equal(t, 1, a.queries.count("FROM (SELECT unnest"), query)
		require.Equal(t, want, strings.Count(got.body, `"seats":{"nodes":[`)+strings.Count(got.body, `"seatMap":{`), got.body)
	}
}

const s = ` fragment s on Section { seats(first: 5) { nodes { label status } } }`

func TestASectionIsAnObjectOfItsOwn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	eventID := a.addArena(3, 30)
	found := a.do(`query($id: ID!) { event(id: $id) { section(name: " BLOCK  2") { id name } missing: section(name: "Moon") { id } } }`, vars{"id": eventID})
	section := found.field(t, "event", "section")
	require.Equal(t, "Block 2", section["name"])
	require.Nil(t, found.Data["event"].(map[string]any)["missing"])
	const node = `query($id: ID!) { node(id: $id) { id ... on Section { name available } } }`
	require.Equal(t, "Block 2", a.do(node, vars{"id": section["id"]}).field(t, "node")["name"])
	require.Nil(t, a.do(node, vars{"id": id.OfSection(eventID, 3)}).Data["node"])
	require.Nil(t, a.do(node, vars{"id": id.OfSection(id.New(id.Event), 0)}).Data["node"])
	draft := a.addEvent(newUser(), "DRAFT")
	a.exec(`INSERT INTO inventories VALUES ($1, 1)`, draft.ID)
	a.exec(`INSERT INTO sections SELECT $1, 'Floor', 0, 100, 'EUR', false, 3, 3, 0, 0`, draft.ID)
	require.Nil(t, a.do(node, vars{"id": id.OfSection(draft.ID, 0)}).Data["node"], "of a draft")
}

func TestASectionThatWasJustAddedIsWaitedFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizerID := newUser()
	eventID := a.openSales(a.as(organizerID, auth.RoleOrganizer))
	a.exec(`INSERT INTO events (id, version, organizer_id, name, venue, starts_at, max_tickets_per_reservation, payment_attempts, status, created_at, description, search)
		VALUES ($1, 3, $2, 'n', 'v', now(), 8, 3, 'SALES_OPEN', now(), '', '')`, eventID, organizerID)
	require.Equal(t, "READ_BEHIND", a.do(`query($id: ID!) { node(id: $id) { id } }`, vars{"id": id.OfSection(eventID, 1)}).code())
}

func TestASeatMapIsShort(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	const seatMap = `query($id: ID!) { event(id: $id) { section(name: "Block 0") { seatMap { version rows { row labels states } } } } }`
	eventID := a.addArena(1, 23)
	a.exec(`UPDATE seats SET status = 'SOLD' WHERE event_id = $1 AND label = 'B-2'`, eventID)
	a.exec(`UPDATE seats SET status = 'RESERVED' WHERE event_id = $1 AND label IN ('A-1', 'A-10')`, eventID)
	a.exec(`UPDATE seats SET label = 'C-' || 11 + 2 * (ordinal - 20) WHERE event_id = $1 AND ordinal >= 20`, eventID)
	got := a.do(seatMap, vars{"id": eventID})
	require.JSONEq(t, `{"version": 7, "rows": [
		{"row": "A", "labels": null, "states": "r........r"}, {"row": "B", "labels": null, "states": ".s........"},
		{"row": "C", "labels": ["11", "13", "15"], "states": "..."}]}`, encode(t, got.field(t, "event", "section")["seatMap"]))
	a.exec(`UPDATE sections SET seated = false`)
	require.Nil(t, a.do(seatMap, vars{"id": eventID}).field(t, "event", "section")["seatMap"], "general admission")

	large := a.addEvent(newUser(), "SALES_OPEN").ID
	a.exec(`INSERT INTO inventories VALUES ($1, 7)`, large)
	a.exec(`INSERT INTO sections SELECT $1, 'Block 0', 0, 100, 'EUR', true, 20000, 20000, 0, 0`, large)
	a.exec(`INSERT INTO seats SELECT $1, 'Block 0', 'Row ' || j / 50 || '-' || j % 50 + 1, j, 'SOLD' FROM generate_series(0, 19999) j`, large)
	got = a.do(seatMap, vars{"id": large})
	require.Empty(t, got.Errors)
	require.Less(t, len(got.body), 100_000)
	seats := 0
	for _, row := range got.field(t, "event", "section", "seatMap")["rows"].([]any) {
		seats += len(row.(map[string]any)["states"].(string))
	}
	require.Equal(t, 20_000, seats)
}

func TestWhatIsReadIsWeighed(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	eventID := a.addArena(1, 10)
	for name, query := range map[string]string{
		"seats of all sections by aliases": `query($id: ID!) { event(id: $id) { sections { ` + numbered("s%d: seats(first: 100) { nodes { label status } }", 8) + ` } } }`,
		"long texts by aliases":            `{ events(first: 100) { nodes { ` + numbered("d%d: description", 3) + ` } } }`,
		"seat maps of many events":         `{ events(first: 100) { nodes { sections { seatMap { rows { states } } } } } }`,
		"a subscription to much":           `subscription($id: ID!) { availability(eventId: $id) { sections { seats(first: 100) { nodes { label status } } a: seats(first: 100) { nodes { label status } } b: seats(first: 100) { nodes { label status } } } } }`,
		"the schema again and again":       `{ ` + numbered("s%d: __schema { types { fields { args { type { name kind } description } type { name } } } }", 40) + ` }`,
	} {
		got := a.do(query, vars{"id": eventID})
		require.Equal(t, "COMPLEXITY_LIMIT_EXCEEDED", got.code(), "%s: %.300s", name, got.body)
	}
	got := a.do(`query($id: ID!) { event(id: $id) { sections { name seats(first: 100) { nodes { label status } } } } }`, vars{"id": eventID}, "X-GraphQL-Cost", "include")
	require.Empty(t, got.Errors)
	require.Contains(t, got.body, `"extensions":{"cost":{"requested":`)
	require.NotContains(t, a.do(`{ __typename }`, nil).body, "cost")
}

// The sections of an event are not known before it is read: those of a hundred events may have more seats than one response may.
func TestTheSeatsOfOneResponseAreBounded(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	for range 3 {
		a.addArena(200, 10)
	}
	got := a.do(`{ events(first: 3) { nodes { sections { seats(first: 100) { nodes { label } } } } } }`, nil)
	require.Equal(t, "COMPLEXITY_LIMIT_EXCEEDED", got.code(), "%.300s", got.body)
}

// limited has so little to read that a test uses it up.
func limited(c *graph.Config) {
	c.RateLimits.ReadsPerUser, c.RateLimits.ReadsPerIP = 4*1_000, 4*1_000
	c.TrustedProxies = anyProxy
}

func TestReadsAreLimitedByWeightForEachUserAndAddress(t *testing.T) {
	t.Parallel()
	a := newAPI(t, limited)
	const page = `{ events(first: 100) { nodes { id name } } }` // about 300
	alice, bob := a.as(newUser(), auth.RoleOrganizer), a.as(newUser())
	from := func(address string) []string { return []string{"X-Forwarded-For", address} }
	for _, client := range [][]string{alice, from("198.51.100.1")} {
		refused := response{}
		for range 6 {
			if refused = a.do(page, nil, client...); refused.code() != "" {
				break
			}
		}
		require.Equal(t, "RATE_LIMITED", refused.code(), refused.body)
		require.NotEmpty(t, refused.header.Get("Retry-After"))
		require.Regexp(t, `^"reads";r=\d+;t=\d+$`, refused.header.Get("RateLimit"))
		require.Regexp(t, `^"reads";q=1000;w=15$`, refused.header.Get("RateLimit-Policy"))
	}
	require.Empty(t, a.do(page, nil, bob...).Errors, "another user")
	require.Empty(t, a.do(page, nil, from("198.51.100.2")...).Errors, "another address")
	got := a.do(`mutation { createEvent(input: {name: "n", venue: "v", startsAt: "2099-12-31T20:00:00Z"}) { event { id } } }`, nil, alice...)
	require.NotNil(t, got.field(t, "createEvent")["event"], "who has read too much can still act")
}

// A guest costs nothing, so all guests of an address are one client.
func TestGuestsOfAnAddressReadTogether(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, limited)
	const page = `{ events(first: 100) { nodes { id name } } }`
	from := func(address string, guest []string) []string {
		return append([]string{"X-Forwarded-For", address}, guest...)
	}
	_, first := a.newGuest()
	_, second := a.newGuest()
	code := ""
	for range 6 {
		if code = a.do(page, nil, from("198.51.100.1", first)...).code(); code != "" {
			break
		}
	}
	require.Equal(t, "RATE_LIMITED", code)
	require.Equal(t, "RATE_LIMITED", a.do(page, nil, from("198.51.100.1", second)...).code())
	require.Empty(t, a.do(page, nil, from("198.51.100.2", second)...).Errors, "elsewhere")
}

func TestGuestsOfAnAddressActTogether(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *graph.Config) { c.RateLimits.Mutations = ratelimit.Mutations(2) })
	const cancel = `mutation($r: ID!, $k: String) { cancelReservation(input: {reservationId: $r, idempotencyKey: $k}) { userErrors { code } } }`
	act := func(header []string) response {
		return a.do(cancel, vars{"r": id.New(id.Reservation), "k": id.New("key")}, header...)
	}
	for range ratelimit.AddressesOfNetwork {
		_, guest := a.newGuest()
		for range 2 {
			require.Empty(t, act(guest).Errors)
		}
	}
	_, guest := a.newGuest()
	require.Equal(t, "RATE_LIMITED", act(guest).code())
	require.Empty(t, act(a.as(newUser())).Errors, "who has proven an address")
}

// What a subscription sends is paid for too: it becomes slower, and its last state still arrives.
func TestASubscriptionPaysForEachState(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, limited)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", `subscription($id: ID!) { reservationStatus(id: $id) { version `+numbered("s%d: seats { section label price { amount currencyCode } }", 12)+` } }`, vars{"id": r.ID})
	began := time.Now()
	sent := 0
	for last := 0.; last < 4; sent++ {
		last = w.next("1", "reservationStatus")["version"].(float64)
		if last < 4 {
			a.announceReservation(r, int64(last)+1, "SEATS_RESERVED")
		}
	}
	require.Greater(t, time.Since(began), 3*time.Second, "%d states", sent)
	require.Equal(t, "RATE_LIMITED", a.do(`{ events(first: 100) { nodes { id name venue } } }`, nil, a.as(me)...).code())
}

func TestAQueryEndsInTime(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.QueryTimeout = 300 * time.Millisecond })
	eventID := a.addArena(1, 10)
	unlock := a.lock("seats")
	defer unlock()
	began := time.Now()
	got := a.do(`query($id: ID!) { event(id: $id) { name sections { seats { nodes { label } } } } }`, vars{"id": eventID})
	require.Equal(t, "UNAVAILABLE", got.code(), got.body)
	require.Less(t, time.Since(began), 3*time.Second)
}

// lock keeps a read table from being read, as a database does that takes too long.
func (a *api) lock(table string) (unlock func()) {
	a.t.Helper()
	tx, err := a.read.Begin(a.t.Context())
	require.NoError(a.t, err)
	_, err = tx.Exec(a.t.Context(), "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
	require.NoError(a.t, err)
	return func() { _ = tx.Rollback(a.t.Context()) }
}

func TestASubscriptionOutlivesASlowDatabase(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.QueryTimeout = 500 * time.Millisecond })
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	const withEvent = `subscription($id: ID!) { reservationStatus(id: $id) { version event { name } } }`
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", withEvent, vars{"id": r.ID})
	w.next("1", "reservationStatus")

	unlock := a.lock("events")
	a.announceReservation(r, 2, "COMPLETED")
	late := w.receive()["payload"].(map[string]any)
	require.Equal(t, "UNAVAILABLE", late["errors"].([]any)[0].(map[string]any)["extensions"].(map[string]any)["code"])
	unlock()
	for { // the same state comes again, until it is complete
		m := w.receive()
		require.Equal(t, "next", m["type"], m)
		if state := m["payload"].(map[string]any)["data"].(map[string]any)["reservationStatus"].(map[string]any); state["event"] != nil {
			require.EqualValues(t, 2, state["version"])
			break
		}
	}

	unlock = a.lock("reservations")
	defer unlock()
	w.subscribe("2", withEvent, vars{"id": r.ID})
	requireRefused(t, w.receive(), "2", "UNAVAILABLE")
}

func TestAStateHasTheLatestPayments(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	p := a.addPayment(r)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", `subscription($id: ID!) { reservationStatus(id: $id) { version payments { status refunded { amount } } } }`, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	a.exec(`UPDATE payments SET version = 2, status = 'REFUNDED', refunded = 15000 WHERE id = $1`, p.ID)
	a.announcePayment(p.ID, r.ID, 2)
	state := w.next("1", "reservationStatus")
	require.Equal(t, "REFUNDED", state["payments"].([]any)[0].(map[string]any)["status"])
	require.EqualValues(t, 1, state["version"], "the reservation itself has not changed")

	a.exec(`UPDATE payments SET version = 3, status = 'PARTIALLY_REFUNDED' WHERE id = $1`, p.ID) // not announced
	require.Equal(t, "PARTIALLY_REFUNDED", w.next("1", "reservationStatus")["payments"].([]any)[0].(map[string]any)["status"])
}

func TestAvailabilityHasTheLatestEvent(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	eventID := a.addArena(1, 10)
	w := a.dial().init(`null`)
	w.subscribe("1", `subscription($id: ID!) { availability(eventId: $id) { status inventoryVersion } }`, vars{"id": eventID})
	require.Equal(t, "SALES_OPEN", w.next("1", "availability")["status"])
	a.exec(`UPDATE events SET version = 2, status = 'SALES_CLOSED' WHERE id = $1`, eventID)
	require.Equal(t, "SALES_CLOSED", w.next("1", "availability")["status"])
}

func TestUserErrorsAreCounted(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	labels := make([]string, 1_000)
	for i := range labels {
		labels[i] = "\x07"
	}
	got := a.do(`mutation($e: ID!, $s: [String!]) { reserveSeats(input: {eventId: $e, items: [{section: "s", seats: $s}], idempotencyKey: "k"}) { userErrors { code message field } } }`,
		vars{"e": id.New(id.Event), "s": labels}, a.as(newUser())...)
	errs := got.field(t, "reserveSeats")["userErrors"].([]any)
	require.Len(t, errs, 21)
	last := errs[20].(map[string]any)
	require.Contains(t, last["message"], "980 more")
	require.Nil(t, last["field"])
	require.Equal(t, []any{"items", "0", "seats", "19"}, errs[19].(map[string]any)["field"])
}

func TestEqualFieldsAreCountedBeforeTheyAreCompared(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	for name, query := range map[string]string{
		"one name":         "{ " + strings.Repeat("__typename ", 900) + "}",
		"inline fragments": "{ " + strings.Repeat("... { me { id } } ", 120) + "}",
		"below":            "{ " + strings.Repeat("me { id email } ", 180) + "}",
		"in fragments":     "{ ...a ...b } fragment a on Query { " + strings.Repeat("__typename ", 400) + "} fragment b on Query { " + strings.Repeat("__typename ", 400) + "}",
	} {
		began := time.Now()
		got := a.do(query, nil)
		took := time.Since(began)
		require.Equal(t, "COMPLEXITY_LIMIT_EXCEEDED", got.code(), "%s: %.300s", name, got.body)
		require.Contains(t, got.body, "same name", name)
		require.Less(t, took, time.Second, name)
	}
	require.Empty(t, a.do("{ "+strings.Repeat("__typename ", 100)+"}", nil).Errors, "fragments of a page repeat fields")
}

func TestListedOriginsMayUseTheCookie(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, inProduction, func(c *graph.Config) {
		c.AllowedOrigins, c.AllowedHeaders = []string{"https://shop.example.com"}, []string{"x-datadog-trace-id"}
	})
	cookie := "__Host-ticketing_session=" + a.signIn(newUser())
	for origin, allowed := range map[string]bool{"https://shop.example.com": true, "http://shop.example.com": false, "https://evil.example": false} {
		got := a.do(`{ me { id } }`, nil, "Origin", origin, "Cookie", cookie)
		require.Equal(t, allowed, got.Data["me"] != nil, origin)
		require.Equal(t, allowed, got.header.Get("Access-Control-Allow-Credentials") == "true", origin)
		r, err := http.NewRequest(http.MethodOptions, a.url, nil)
		require.NoError(t, err)
		headers := a.send(r, "Origin", origin).header.Get("Access-Control-Allow-Headers")
		for _, header := range []string{"apollographql-client-name", "x-datadog-trace-id"} {
			require.Equal(t, allowed, strings.Contains(headers, header), origin)
		}
	}
}
