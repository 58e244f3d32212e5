package graph_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/announce"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/ratelimit"
	"ticketing/internal/testenv"
	"ticketing/query"
)

const status = `subscription($id: ID!) { reservationStatus(id: $id) { id version status event { name } } }`

func TestAReservationIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	first := w.next("1", "reservationStatus")
	require.Equal(t, "SEATS_RESERVED", first["status"])
	require.Equal(t, "A night", first["event"].(map[string]any)["name"])

	a.announceReservation(r, 2, "PAYMENT_PENDING")
	require.Equal(t, "PAYMENT_PENDING", w.next("1", "reservationStatus")["status"])
	a.announceReservation(r, 3, "COMPLETED")
	require.Equal(t, "COMPLETED", w.next("1", "reservationStatus")["status"])

	w.send(`{"id":"1","type":"complete"}`)
	w.subscribe("1", `{ __typename }`, nil) // the id is free again
	require.Equal(t, "next", w.receive()["type"])
	require.Equal(t, "complete", w.receive()["type"])
}

func TestASubscriptionNeedsItsField(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	e := a.addEvent(newUser(), "SALES_OPEN")
	w := a.dial().init(a.bearer(newUser()))
	for i, query := range []string{
		`subscription($e: ID!, $no: Boolean!) { availability(eventId: $e) @include(if: $no) { id } }`,
		`subscription($e: ID!, $no: Boolean!) { ...s @include(if: $no) } fragment s on Subscription { seatChanges(eventId: $e) { version } }`,
		`subscription($e: ID!, $no: Boolean!) { availability(eventId: $e) @include(if: $no) { id reservations { nodes { id } } } }`,
	} {
		operation := strconv.Itoa(i)
		w.subscribe(operation, query, vars{"e": e.ID, "no": false})
		refused := w.receive()
		require.Equal(t, "error", refused["type"], query)
		require.Contains(t, encode(t, refused), "GRAPHQL_VALIDATION_FAILED", query)
	}
}

func TestASubscriptionWaitsForANewReservation(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := newUser()
	r := query.Reservation{ID: id.New(id.Reservation), EventID: id.New(id.Event), CustomerID: me}
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return a.queries.count("name: ReservationsByID") > 0, "not read yet" })
	a.announceReservation(r, 1, "SEATS_RESERVED")
	require.EqualValues(t, 1, w.next("1", "reservationStatus")["version"])

	w.subscribe("2", status, vars{"id": id.New(id.Reservation)})
	requireRefused(t, w.receive(), "2", "NOT_FOUND")
}

func TestWhoMaySubscribe(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer := newUser()
	e := a.addEvent(organizer, "SALES_OPEN")
	draft := a.addEvent(organizer, "DRAFT")
	r := a.addReservation(e, newUser())
	const counts = `subscription($id: ID!) { availability(eventId: $id) { id inventoryVersion sections { name } } }`

	anonymous := a.dial().init(`null`)
	anonymous.subscribe("1", status, vars{"id": r.ID})
	requireRefused(t, anonymous.receive(), "1", "UNAUTHENTICATED")
	anonymous.subscribe("2", counts, vars{"id": draft.ID})
	requireRefused(t, anonymous.receive(), "2", "NOT_FOUND")
	anonymous.subscribe("3", counts, vars{"id": e.ID})
	require.EqualValues(t, 0, anonymous.next("3", "availability")["inventoryVersion"])
	anonymous.subscribe("4", counts, vars{"id": "x"})
	requireRefused(t, anonymous.receive(), "4", "BAD_USER_INPUT")
	anonymous.subscribe("5", `{ nope }`, nil)
	requireRefused(t, anonymous.receive(), "5", "GRAPHQL_VALIDATION_FAILED")

	stranger := a.dial().init(a.bearer(newUser()))
	stranger.subscribe("1", status, vars{"id": r.ID})
	requireRefused(t, stranger.receive(), "1", "FORBIDDEN")

	theirs := a.dial().init(a.bearer(organizer, auth.RoleOrganizer))
	theirs.subscribe("1", status, vars{"id": r.ID})
	theirs.next("1", "reservationStatus")
	theirs.subscribe("2", counts, vars{"id": draft.ID})
	theirs.next("2", "availability")
}

func TestAvailabilityFollowsTheInventory(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	e := a.addEvent(newUser(), "SALES_OPEN")
	set := func(version int64) {
		a.exec(`INSERT INTO inventories VALUES ($1, $2) ON CONFLICT (event_id) DO UPDATE SET version = excluded.version`, e.ID, version)
		require.NoError(t, announce.Publish(t.Context(), a.redis, []announce.Change{{Kind: announce.Availability, ID: e.ID, Version: version}}))
	}
	a.exec(`INSERT INTO sections SELECT $1, 'Floor', 0, 100, 'EUR', false, 10, 9, 0, 1`, e.ID)
	set(1)
	w := a.dial().init(`{}`)
	w.subscribe("1", `subscription($id: ID!) { availability(eventId: $id) { inventoryVersion sections { available } } }`, vars{"id": e.ID})
	require.EqualValues(t, 1, w.next("1", "availability")["inventoryVersion"])
	for version := int64(2); version < 100; version++ {
		set(version)
	}
	last := 1.
	for last < 99 {
		now := w.next("1", "availability")["inventoryVersion"].(float64)
		require.Greater(t, now, last, "versions only rise")
		last = now
	}
}

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	const subscribe = `{"id":"1","type":"subscribe","payload":{"query":"{ __typename }"}}`
	for name, c := range map[string]struct {
		messages []string
		want     websocket.StatusCode
	}{
		"not JSON":                {[]string{`nope`}, 4400},
		"not an object":           {[]string{`[1]`}, 4400},
		"unknown type":            {[]string{`{"type":"start"}`}, 4400},
		"no type":                 {[]string{`{}`}, 4400},
		"init with a list":        {[]string{`{"type":"connection_init","payload":[1]}`}, 4400},
		"init with text":          {[]string{`{"type":"connection_init","payload":"x"}`}, 4400},
		"subscribe before init":   {[]string{subscribe}, 4401},
		"bad token":               {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer wrong"}}`}, 4401},
		"token of another kind":   {[]string{`{"type":"connection_init","payload":{"Authorization":"Basic YTpi"}}`}, 4401},
		"init twice":              {[]string{`{"type":"connection_init"}`, `{"type":"connection_init"}`}, 4429},
		"subscribe without id":    {[]string{`{"type":"connection_init"}`, `{"type":"subscribe","payload":{"query":"{ __typename }"}}`}, 4400},
		"subscribe without query": {[]string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{}}`}, 4400},
		"too large":               {[]string{`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 100<<10) + `"}}`}, websocket.StatusMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := a.dial()
			for _, m := range c.messages {
				w.send(m)
			}
			require.Equal(t, c.want, w.closed())
		})
	}
	require.EqualValues(t, 4406, a.dialAs([]string{"graphql-ws"}).closed())
	require.EqualValues(t, 4408, a.dial().closed(), "no connection_init in time")
}

func TestTwoOperationsCannotHaveOneID(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	w.subscribe("1", status, vars{"id": r.ID})
	require.EqualValues(t, 4409, w.closed())
}

func TestAPingGetsAPongAtAnyTime(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	w := a.dial()
	w.send(`{"type":"ping","payload":{"a":1}}`)
	require.Equal(t, map[string]any{"type": "pong", "payload": map[string]any{"a": 1.}}, w.receive())
	w.send(`{"type":"pong"}`)
	w.init(`{}`)
}

func TestTheOperationsOfASocketAreBounded(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	for i := range 50 {
		w.subscribe(strconv.Itoa(i), status, vars{"id": r.ID})
		w.next(strconv.Itoa(i), "reservationStatus")
	}
	w.subscribe("one too many", status, vars{"id": r.ID})
	requireRefused(t, w.receive(), "one too many", "RATE_LIMITED")
}

func TestMessagesAreLimited(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.RateLimits.Messages = ratelimit.WebSocketMessages(1) })
	w := a.dial().init(a.bearer(newUser()))
	w.subscribe("1", `{ __typename }`, nil)
	require.Equal(t, "next", w.receive()["type"])
	require.Equal(t, "complete", w.receive()["type"])
	w.subscribe("2", `{ __typename }`, nil)
	requireRefused(t, w.receive(), "2", "RATE_LIMITED")
	for range 11 {
		w.send(`{"id":"1","type":"complete"}`)
	}
	require.EqualValues(t, 4429, w.closed(), "they are counted too")
}

func TestPagesOfOtherOriginsCannotConnect(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, inProduction)
	token := a.signIn(newUser())
	cookie := "__Host-ticketing_session=" + token
	w := a.dial("Cookie", cookie, "Origin", "https://tickets.example.com").init(`{}`)
	w.subscribe("1", `{ me { id } }`, nil)
	require.NotNil(t, w.receive()["payload"].(map[string]any)["data"].(map[string]any)["me"])
	for _, origin := range []string{"https://evil.example", "null", "http://localhost:5173", "http://tickets.example.com"} {
		for _, credentials := range [][2]string{{"Cookie", cookie}, {"Authorization", "Bearer " + token}, {"X-Nothing", ""}} {
			require.Equal(t, http.StatusForbidden, a.refusedHandshake("Origin", origin, credentials[0], credentials[1]), origin)
		}
	}
}

func TestABadTokenInAHandshakeIsAnError(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	token := a.signIn(me)
	cookie := "__Host-ticketing_session=" + a.signIn(newUser())
	for _, header := range []string{"Bearer wrong", "Basic YTpi"} {
		w := a.dial("Authorization", header, "Cookie", cookie)
		w.send(`{"type":"connection_init"}`)
		require.EqualValues(t, 4401, w.closed(), header)
	}
	w := a.dial("Cookie", cookie)
	w.send(`{"type":"connection_init","payload":{"authorization":"Bearer wrong"}}`)
	require.EqualValues(t, 4401, w.closed())
	w = a.dial("Authorization", "Bearer "+token, "Cookie", cookie).init(`{}`)
	w.subscribe("1", `{ me { id } }`, nil)
	require.Equal(t, me, w.next("1", "me")["id"])
}

func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.RateLimits.ConnectionsPerUser, c.RateLimits.ConnectionsPerIP = 2, 4 })
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	events := a.listen(status, vars{"id": r.ID}, a.as(me)...)
	require.Equal(t, "next", events.next().name)

	second := a.dial()
	second.send(`{"type":"connection_init","payload":` + a.bearer(me) + `}`)
	require.EqualValues(t, 4429, second.closed())
	refused := a.listen(status, vars{"id": r.ID}, a.as(me)...).next()
	require.Contains(t, refused.data, "RATE_LIMITED")
	require.Contains(t, refused.data, `"retryAfterSeconds":`)

	var anonymous []*wire
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // once the refused ones are no longer counted
		if len(anonymous) < 2 {
			anonymous = append(anonymous, a.dial().init(`null`))
		}
		return len(anonymous) == 2, "not open yet"
	})
	require.Equal(t, http.StatusTooManyRequests, a.refusedHandshake())
	got := a.do(status, vars{"id": r.ID}, append(a.as(me), "Accept", "text/event-stream")...)
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Equal(t, "RATE_LIMITED", got.code())
	require.NotEmpty(t, got.header.Get("Retry-After"))

	_ = w.conn.CloseNow()
	_ = anonymous[0].conn.CloseNow()
	events.cancel()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		conn, _, err := websocket.Dial(t.Context(), a.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err == nil {
			_ = conn.CloseNow()
		}
		return err == nil, "closed connections are still counted"
	})
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	token := a.signIn(me)
	w := a.dial().init(`{"authorization":"Bearer ` + token + `"}`)
	w.subscribe("1", status, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	events := a.listen(status, vars{"id": r.ID}, "Authorization", "Bearer "+token)
	require.Equal(t, "next", events.next().name)

	require.Empty(t, a.do(`mutation { signOut { userErrors { code } } }`, nil, "Authorization", "Bearer "+token).Errors)
	require.EqualValues(t, 4401, w.closed())
	last := events.next()
	require.Contains(t, last.data, "UNAUTHENTICATED")
	require.Equal(t, "complete", events.next().name)
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	events := a.listen(status, vars{"id": r.ID}, a.as(me)...)
	require.Equal(t, "next", events.next().name)
	a.stop()
	require.Equal(t, websocket.StatusGoingAway, w.closed())
	rest, err := io.ReadAll(events.body)
	require.NoError(t, err)
	require.Contains(t, string(rest), "event: complete")
	require.Regexp(t, `retry: \d{3,4}\n`, string(rest), "it says when to connect again")
	require.NotContains(t, string(rest), "errors", "what ends with the server has not failed")
	require.NotContains(t, string(rest), "id: over", "another server goes on")
}

// A browser's EventSource connects again after every end, until it gets a 204.
func TestAnEventStreamThatIsOverIsNotOpenedAgain(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	events := a.listen(status, vars{"id": "nonsense"}, a.as(newUser())...)
	rest, err := io.ReadAll(events.body)
	require.NoError(t, err)
	require.Contains(t, string(rest), "BAD_USER_INPUT")
	require.Contains(t, string(rest), "id: over\nevent: complete\n")

	again, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"?query="+url.QueryEscape("{ __typename }"), http.NoBody)
	require.NoError(t, err)
	again.Header.Set("Accept", "text/event-stream")
	again.Header.Set("Last-Event-ID", "over")
	resp, err := http.DefaultClient.Do(again)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}

// The id of an event is the version that it has; only seatChanges has ids.
func TestAnEventStreamGoesOnAfterTheLastEventOfItsClient(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	eventID := a.addArena(1, 30)
	const changes = `subscription($id: ID!, $since: Int) { seatChanges(eventId: $id, sinceVersion: $since) { seen: version reload } }`
	const nothing, all = `{"data":{"seatChanges":{"seen":7,"reload":[]}}}`, `{"data":{"seatChanges":{"seen":7,"reload":["Block 0"]}}}`
	for name, viewer := range map[string][]string{"shared": nil, "an organizer's own": a.as(newUser(), auth.RoleOrganizer)} {
		for lastEventID, want := range map[string]string{
			"": nothing, "7": nothing, "0": all, "3": all, "9": all, "over and out": nothing, "-1": nothing, "7.5": nothing, strings.Repeat("9", 99): nothing,
		} {
			events := a.listen(changes, vars{"id": eventID}, append(viewer, "Last-Event-ID", lastEventID)...)
			require.Equal(t, sent{"7", "next", want}, events.next(), "%s, %q", name, lastEventID)
			events.cancel()
		}
		older := a.listen(changes, vars{"id": eventID, "since": 3}, append(viewer, "Last-Event-ID", "7")...)
		require.Equal(t, sent{"7", "next", nothing}, older.next(), "%s: the argument is as old as the stream's address", name)
		given := a.listen(changes, vars{"id": eventID, "since": 3}, append(viewer, "Last-Event-ID", "nonsense")...)
		require.Equal(t, sent{"7", "next", all}, given.next(), name)
	}
	require.Empty(t, a.listen(`subscription($id: ID!) { availability(eventId: $id) { id } }`, vars{"id": eventID}).next().id)
}

// The log of this API has nothing: as if it was replaced, or the version was never read.
func TestWhoWatchesSeatsReadsAllAgainIfTheLogDoesNotSayWhatChanged(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	eventID := a.addArena(2, 30)
	const changes = `subscription($id: ID!) { seatChanges(eventId: $id) { version changes { label } reload } }`
	all, own := a.dial().init(`null`), a.dial().init(a.bearer(newUser(), auth.RoleOrganizer))
	for _, w := range []*wire{all, own} {
		w.subscribe("1", changes, vars{"id": eventID})
		require.EqualValues(t, 7, w.next("1", "seatChanges")["version"])
	}
	for version := 8; version < 10; version++ {
		a.exec(`UPDATE inventories SET version = $2 WHERE event_id = $1`, eventID, version)
		require.NoError(t, announce.Publish(t.Context(), a.redis, []announce.Change{{Kind: announce.Availability, ID: eventID, Version: int64(version)}}))
		for _, w := range []*wire{all, own} {
			want := map[string]any{"version": float64(version), "changes": []any{}, "reload": []any{"Block 0", "Block 1"}}
			require.Equal(t, want, w.next("1", "seatChanges"))
		}
	}
}

// What a subscription that many share reads waits for none of the other operations of the client that began it.
func TestASharedSubscriptionDoesNotWaitForTheClientThatBeganIt(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.QueryTimeout = 2 * testenv.Patience }) // what waits for the table goes on waiting
	popular, other := a.addArena(1, 30), a.addArena(1, 100)
	const counts = `subscription($id: ID!) { availability(eventId: $id) { inventoryVersion } }`
	large := func(i int) string {
		return fmt.Sprintf(`subscription($id: ID!) { availability(eventId: $id) {
			inventoryVersion section(name: "Block 0") { seats(first: %d) { nodes { label status accessible restrictedView section } } }
		} }`, 90+i) // it takes a whole share of what is light, and is not heavy itself
	}
	greedy, customer := a.dial().init(`null`), a.dial().init(a.bearer(newUser()))
	subscribe := func(w *wire, operation, query, eventID string) {
		w.subscribe(operation, query, vars{"id": eventID})
		require.EqualValues(t, 7, w.next(operation, "availability")["inventoryVersion"])
	}
	for i := range 2 {
		subscribe(greedy, fmt.Sprint("large ", i), large(i), other)
	}
	subscribe(greedy, "popular", counts, popular)
	subscribe(greedy, "large 2", large(2), other)
	subscribe(customer, "popular", counts, popular)

	lock, err := a.read.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = lock.Rollback(context.Background()) }()
	_, err = lock.Exec(t.Context(), `LOCK TABLE seats IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	change := func(eventID string) {
		a.exec(`UPDATE inventories SET version = 8 WHERE event_id = $1`, eventID)
		require.NoError(t, announce.Publish(t.Context(), a.redis, []announce.Change{{Kind: announce.Availability, ID: eventID, Version: 8}}))
	}
	before := a.queries.count("FROM (SELECT unnest")
	change(other)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // all three wait for the table
		reading := a.queries.count("FROM (SELECT unnest") - before
		return reading == 3, fmt.Sprintf("%d read", reading)
	})
	change(popular)
	require.EqualValues(t, 8, customer.next("popular", "availability")["inventoryVersion"])
	require.EqualValues(t, 8, greedy.next("popular", "availability")["inventoryVersion"])
}

func TestGoroutinesEndWithTheClient(t *testing.T) {
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	token := a.bearer(me)
	a.dial().init(token).conn.CloseNow() // warms up
	before := runtime.NumGoroutine()
	for range 20 {
		w := a.dial().init(token)
		w.subscribe("1", status, vars{"id": r.ID})
		w.next("1", "reservationStatus")
		events := a.listen(status, vars{"id": r.ID}, a.as(me)...)
		require.Equal(t, "next", events.next().name)
		_ = w.conn.CloseNow()
		events.cancel()
	}
	http.DefaultClient.CloseIdleConnections()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		now := runtime.NumGoroutine()
		return now <= before+5, fmt.Sprintf("%d goroutines, %d before", now, before)
	})
}

func TestAnEventStreamFollowsAReservation(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	events := a.listen(status, vars{"id": r.ID}, a.as(me)...)
	first := events.next()
	require.Equal(t, "next", first.name)
	require.Contains(t, first.data, `"SEATS_RESERVED"`)
	a.announceReservation(r, 2, "COMPLETED")
	require.Contains(t, events.next().data, `"COMPLETED"`)
}

func TestAnEventStreamOfAQueryHasOneResponse(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	for query, want := range map[string]string{
		`{ __typename }`: `{"data":{"__typename":"Query"}}`,
		`{ nope }`:       `GRAPHQL_VALIDATION_FAILED`,
		`subscription { reservationStatus(id: "rsv_01h455vb4pex5vsknk084sn02q") { id } }`: `UNAUTHENTICATED`,
	} {
		events := a.listen(query, nil)
		require.Contains(t, events.next().data, want)
		require.Equal(t, sent{id: "over", name: "complete"}, events.next())
	}
	require.Contains(t, a.listen(`{ __typename }`, nil, "Authorization", "Bearer wrong").next().data, "UNAUTHENTICATED")
}

// The session ends without an announcement, as while Redis is away.
func TestOperationsOfASocketAreAuthenticatedAsOverHTTP(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", `{ me { id } }`, nil)
	require.Equal(t, me, w.next("1", "me")["id"])
	require.Equal(t, "complete", w.receive()["type"])
	require.NoError(t, a.redis.FlushDB(t.Context()).Err())
	w.subscribe("2", `{ me { id } }`, nil)
	require.EqualValues(t, 4401, w.closed())
}

func TestThePathOfASubscriptionsErrorBeginsAtItsRoot(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	e := a.addEvent(newUser(), "SALES_OPEN")
	w := a.dial().init(`null`)
	w.subscribe("1", `subscription($id: ID!) { now: availability(eventId: $id) { mine: reservations { nodes { id } } } }`, vars{"id": e.ID})
	errs := w.receive()["payload"].(map[string]any)["errors"].([]any)
	require.Equal(t, []any{"now", "mine"}, errs[0].(map[string]any)["path"])
}

func TestASubscriptionIsExecutedOnceForAllWithTheSameRights(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	eventID := a.addArena(1, 30)
	const seats = `subscription($id: ID!) { availability(eventId: $id) { inventoryVersion sections { seats(first: 2) { nodes { label } } } } }`
	executions := func() int { return a.queries.count("FROM (SELECT unnest") }
	clients := []*wire{a.dial().init(`null`), a.dial().init(`null`), a.dial().init(a.bearer(newUser()))}
	for _, w := range clients {
		w.subscribe("1", seats, vars{"id": eventID})
		require.EqualValues(t, 7, w.next("1", "availability")["inventoryVersion"])
	}
	require.Equal(t, 1, executions())
	organizer := a.dial().init(a.bearer(newUser(), auth.RoleOrganizer))
	organizer.subscribe("1", seats, vars{"id": eventID})
	organizer.next("1", "availability")
	require.Equal(t, 2, executions(), "organizers may see more")

	a.exec(`UPDATE inventories SET version = 8 WHERE event_id = $1`, eventID)
	require.NoError(t, announce.Publish(t.Context(), a.redis, []announce.Change{{Kind: announce.Availability, ID: eventID, Version: 8}}))
	for _, w := range append(clients, organizer) {
		require.EqualValues(t, 8, w.next("1", "availability")["inventoryVersion"])
	}
	require.Equal(t, 4, executions())
}
