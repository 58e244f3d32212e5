package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"ticketing/internal/announce"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/testenv"
	"ticketing/query"
)

// wire is a client that speaks graphql-transport-ws by hand, to say what no library would.
type wire struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
}

func (a *api) dial(header ...string) *wire {
	return a.dialAs([]string{"graphql-transport-ws"}, header...)
}

func (a *api) dialAs(subprotocols []string, header ...string) *wire {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), testenv.Patience)
	a.t.Cleanup(cancel)
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, response, err := websocket.Dial(ctx, a.url, &websocket.DialOptions{Subprotocols: subprotocols, HTTPHeader: h})
	require.NoError(a.t, err)
	_ = response
	a.t.Cleanup(func() { _ = conn.CloseNow() })
	return &wire{t: a.t, ctx: ctx, conn: conn}
}

func (w *wire) send(text string) {
	w.t.Helper()
	require.NoError(w.t, w.conn.Write(w.ctx, websocket.MessageText, []byte(text)))
}

func (w *wire) receive() map[string]any {
	w.t.Helper()
	_, data, err := w.conn.Read(w.ctx)
	require.NoError(w.t, err)
	var m map[string]any
	require.NoError(w.t, json.Unmarshal(data, &m))
	return m
}

// closed answers the code that the server closes the connection with.
func (w *wire) closed() websocket.StatusCode {
	w.t.Helper()
	for {
		if _, _, err := w.conn.Read(w.ctx); err != nil {
			require.NoError(w.t, w.ctx.Err())
			return websocket.CloseStatus(err)
		}
	}
}

// init signs in and awaits the acknowledgement.
func (w *wire) init(payload string) *wire {
	w.t.Helper()
	w.send(`{"type":"connection_init","payload":` + payload + `}`)
	require.Equal(w.t, "connection_ack", w.receive()["type"])
	return w
}

func (w *wire) subscribe(operation, query string, variables vars) {
	w.t.Helper()
	payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(w.t, err)
	w.send(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":%s}`, operation, payload))
}

// next awaits a next message of an operation and answers one field of its data.
func (w *wire) next(operation, field string) map[string]any {
	w.t.Helper()
	m := w.receive()
	require.Equal(w.t, "next", m["type"], m)
	require.Equal(w.t, operation, m["id"])
	return m["payload"].(map[string]any)["data"].(map[string]any)[field].(map[string]any)
}

func (a *api) bearer(userID string, roles ...auth.Role) string {
	return `{"authorization":"Bearer ` + a.people.signIn(userID, roles...) + `"}`
}

// change moves a reservation on and announces it, as a projector does.
func (a *api) change(r query.Reservation, version int64, status string) {
	a.t.Helper()
	r.Version, r.Status = version, status
	a.reads.set(func() { a.reads.reservations[r.ID] = r })
	require.NoError(a.t, announce.Publish(a.t.Context(), a.redis, []announce.Change{{Kind: announce.Reservation, ID: r.ID, Version: version}}))
}

const status = `subscription($id: ID!) { reservationStatus(id: $id) { id version status event { name } } }`

func TestAReservationIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	first := w.next("1", "reservationStatus")
	require.Equal(t, "SEATS_RESERVED", first["status"])
	require.Equal(t, "A night", first["event"].(map[string]any)["name"])

	a.change(r, 2, "PAYMENT_PENDING")
	require.Equal(t, "PAYMENT_PENDING", w.next("1", "reservationStatus")["status"])
	a.change(r, 3, "COMPLETED")
	require.Equal(t, "COMPLETED", w.next("1", "reservationStatus")["status"])

	w.send(`{"id":"1","type":"complete"}`)
	w.subscribe("1", `{ __typename }`, nil) // the id is free again
	require.Equal(t, "next", w.receive()["type"])
	require.Equal(t, "complete", w.receive()["type"])
}

func TestASubscriptionWaitsForARowThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := query.Reservation{ID: id.New(id.Reservation), CustomerID: me}
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return a.reads.called("Reservations") > 0, "not read yet" })
	a.change(r, 1, "SEATS_RESERVED")
	require.EqualValues(t, 1, w.next("1", "reservationStatus")["version"])

	w.subscribe("2", status, vars{"id": id.New(id.Reservation)})
	requireRefused(t, w.receive(), "2", "NOT_FOUND")
}

func requireRefused(t *testing.T, m map[string]any, operation, code string) {
	t.Helper()
	require.Equal(t, "error", m["type"], m)
	require.Equal(t, operation, m["id"])
	require.Equal(t, code, m["payload"].([]any)[0].(map[string]any)["extensions"].(map[string]any)["code"], m)
}

func TestWhoMaySubscribe(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	organizer := newUser()
	e := a.reads.addEvent(organizer, "SALES_OPEN")
	draft := a.reads.addEvent(organizer, "DRAFT")
	r := a.reads.addReservation(e, newUser())
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

func TestAvailabilityMovesWithTheInventory(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	e := a.reads.addEvent(newUser(), "SALES_OPEN")
	set := func(version int64, available int) {
		a.reads.set(func() {
			a.reads.inventories[e.ID] = query.Inventory{EventID: e.ID, Version: version, Sections: []query.Section{{EventID: e.ID, Name: "Floor", Available: available}}}
		})
		require.NoError(t, announce.Publish(t.Context(), a.redis, []announce.Change{{Kind: announce.Availability, ID: e.ID, Version: version}}))
	}
	set(1, 10)
	w := a.dial().init(`{}`)
	w.subscribe("1", `subscription($id: ID!) { availability(eventId: $id) { inventoryVersion sections { available } } }`, vars{"id": e.ID})
	require.EqualValues(t, 1, w.next("1", "availability")["inventoryVersion"])
	for version := int64(2); version < 100; version++ {
		set(version, 10)
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
	a := newAPI(t)
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
		"bad token":               {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer wrong"}}`}, 4403},
		"token of another kind":   {[]string{`{"type":"connection_init","payload":{"Authorization":"Basic YTpi"}}`}, 4403},
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
	require.EqualValues(t, 4408, a.dial().closed(), "nothing was said in time")
}

func TestAnIDIsUsedOnceAtATime(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	w.subscribe("1", status, vars{"id": r.ID})
	require.EqualValues(t, 4409, w.closed())
}

func TestPingsAreAnsweredAtAnyTime(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	w := a.dial()
	w.send(`{"type":"ping","payload":{"a":1}}`)
	require.Equal(t, map[string]any{"type": "pong", "payload": map[string]any{"a": 1.}}, w.receive())
	w.send(`{"type":"pong"}`)
	w.init(`{}`)
}

func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	for i := range 50 {
		w.subscribe(strconv.Itoa(i), status, vars{"id": r.ID})
		w.next(strconv.Itoa(i), "reservationStatus")
	}
	w.subscribe("one too many", status, vars{"id": r.ID})
	requireRefused(t, w.receive(), "one too many", "RATE_LIMITED")
	require.Equal(t, 51, a.limiter.count("messages"))

	a.limiter.mu.Lock()
	a.limiter.refuse = "messages"
	a.limiter.mu.Unlock()
	w.subscribe("x", `{ __typename }`, nil)
	requireRefused(t, w.receive(), "x", "RATE_LIMITED")
	w.send(`{"type":"ping"}`)
	require.EqualValues(t, 4429, w.closed())
}

func TestPagesOfOtherOriginsCannotConnect(t *testing.T) {
	t.Parallel()
	a := newAPI(t, inProduction)
	token := a.people.signIn(newUser())
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

// refusedHandshake answers the status with which a WebSocket is refused.
func (a *api) refusedHandshake(header ...string) int {
	a.t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	_, response, err := websocket.Dial(a.t.Context(), a.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: h})
	require.Error(a.t, err)
	require.NotNil(a.t, response, err)
	return response.StatusCode
}

func TestABadTokenOfAHandshakeIsNotPassedOver(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := newUser()
	token := a.people.signIn(me)
	cookie := "__Host-ticketing_session=" + a.people.signIn(newUser())
	for _, header := range []string{"Bearer wrong", "Basic YTpi"} {
		w := a.dial("Authorization", header, "Cookie", cookie)
		w.send(`{"type":"connection_init"}`)
		require.EqualValues(t, 4403, w.closed(), header)
	}
	w := a.dial("Cookie", cookie)
	w.send(`{"type":"connection_init","payload":{"authorization":"Bearer wrong"}}`)
	require.EqualValues(t, 4403, w.closed())
	w = a.dial("Authorization", "Bearer "+token, "Cookie", cookie).init(`{}`)
	w.subscribe("1", `{ me { id } }`, nil)
	require.Equal(t, me, w.next("1", "me")["id"])
}

func TestConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	anonymous := a.dial().init(`null`)
	events := a.listen(t, status, vars{"id": r.ID}, a.as(me)...)
	require.Equal(t, "next", events.next().name)
	require.Equal(t, map[string]int{"connections-ip": 3, "connections-user": 2}, a.limiter.opened())

	a.limiter.refuses("connections-user")
	second := a.dial()
	second.send(`{"type":"connection_init","payload":` + a.bearer(me) + `}`)
	require.EqualValues(t, 4429, second.closed())
	tooMany := a.listen(t, status, vars{"id": r.ID}, a.as(me)...)
	refused := tooMany.next()
	require.Contains(t, refused.data, "RATE_LIMITED")
	require.Contains(t, refused.data, `"retryAfterSeconds":30`)
	a.dial().init(`null`).conn.CloseNow()

	a.limiter.refuses("connections-ip")
	require.Equal(t, http.StatusTooManyRequests, a.refusedHandshake())
	got := a.do(status, vars{"id": r.ID}, append(a.as(me), "Accept", "text/event-stream")...)
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Equal(t, "RATE_LIMITED", got.code())
	require.Equal(t, "30", got.header.Get("Retry-After"))

	_ = w.conn.CloseNow()
	_ = anonymous.conn.CloseNow()
	events.cancel()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		open := a.limiter.opened()
		return open["connections-ip"] == 0 && open["connections-user"] == 0, fmt.Sprint(open)
	})
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	token := a.people.signIn(me)
	w := a.dial().init(`{"authorization":"Bearer ` + token + `"}`)
	w.subscribe("1", status, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	events := a.listen(t, status, vars{"id": r.ID}, "Authorization", "Bearer "+token)
	require.Equal(t, "next", events.next().name)

	require.Empty(t, a.do(`mutation { signOut { userErrors { code } } }`, nil, "Authorization", "Bearer "+token).Errors)
	require.EqualValues(t, 4401, w.closed())
	last := events.next()
	require.Contains(t, last.data, "UNAUTHENTICATED")
	require.Equal(t, "complete", events.next().name)
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	w := a.dial().init(a.bearer(me))
	w.subscribe("1", status, vars{"id": r.ID})
	w.next("1", "reservationStatus")
	events := a.listen(t, status, vars{"id": r.ID}, a.as(me)...)
	require.Equal(t, "next", events.next().name)
	a.stop()
	require.Equal(t, websocket.StatusServiceRestart, w.closed())
	rest, err := io.ReadAll(events.body)
	require.NoError(t, err)
	require.NotContains(t, string(rest), "complete", "the client is to connect again")
}

func TestGoroutinesEndWithTheClient(t *testing.T) { //nolint:paralleltest // counts goroutines
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	token := a.bearer(me)
	a.dial().init(token).conn.CloseNow() // warms up
	before := runtime.NumGoroutine()
	for range 20 {
		w := a.dial().init(token)
		w.subscribe("1", status, vars{"id": r.ID})
		w.next("1", "reservationStatus")
		events := a.listen(t, status, vars{"id": r.ID}, a.as(me)...)
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

// ---- server-sent events

type listener struct {
	t      *testing.T
	body   io.ReadCloser
	cancel context.CancelFunc
	buffer string
}

type sent struct{ name, data string }

func (a *api) listen(t *testing.T, query string, variables vars, header ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	t.Cleanup(cancel)
	payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, strings.NewReader(string(payload)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream; charset=utf-8", response.Header.Get("Content-Type"))
	return &listener{t: t, body: response.Body, cancel: cancel}
}

// next answers the next event; comments are passed over.
func (l *listener) next() sent {
	l.t.Helper()
	for {
		event, rest, whole := strings.Cut(l.buffer, "\n\n")
		if !whole {
			part := make([]byte, 4096)
			n, err := l.body.Read(part)
			l.buffer += string(part[:n])
			require.False(l.t, err != nil && n == 0, "the stream ended: %v", err)
			continue
		}
		l.buffer = rest
		if strings.HasPrefix(event, ":") {
			continue
		}
		var s sent
		for line := range strings.SplitSeq(event, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				s.name = name
			}
			if data, ok := strings.CutPrefix(line, "data:"); ok {
				s.data = strings.TrimSpace(data)
			}
		}
		return s
	}
}

func TestEventStreams(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	events := a.listen(t, status, vars{"id": r.ID}, a.as(me)...)
	first := events.next()
	require.Equal(t, "next", first.name)
	require.Contains(t, first.data, `"SEATS_RESERVED"`)
	a.change(r, 2, "COMPLETED")
	require.Contains(t, events.next().data, `"COMPLETED"`)
}

func TestEventStreamsOfOneAnswer(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for query, want := range map[string]string{
		`{ __typename }`: `{"data":{"__typename":"Query"}}`,
		`{ nope }`:       `GRAPHQL_VALIDATION_FAILED`,
		`subscription { reservationStatus(id: "rsv_01h455vb4pex5vsknk084sn02q") { id } }`: `UNAUTHENTICATED`,
	} {
		events := a.listen(t, query, nil)
		require.Contains(t, events.next().data, want)
		require.Equal(t, sent{name: "complete"}, events.next())
	}
	require.Contains(t, a.listen(t, `{ __typename }`, nil, "Authorization", "Bearer wrong").next().data, "UNAUTHENTICATED")
}

// ---- reading one's own writes

func TestMinVersionWaitsForTheAnnouncement(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	const read = `query($id: ID!, $v: Int) { reservation(id: $id, minVersion: $v) { version } }`
	header := a.as(me)
	require.EqualValues(t, 1, a.do(read, vars{"id": r.ID, "v": 1}, header...).Data["reservation"].(map[string]any)["version"])

	answered := make(chan answer, 1)
	go func() { answered <- a.do(read, vars{"id": r.ID, "v": 3}, header...) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return a.reads.called("Reservations") >= 3, "it does not wait yet" })
	a.change(r, 2, "PAYMENT_PENDING")
	a.change(r, 3, "COMPLETED")
	require.EqualValues(t, 3, (<-answered).Data["reservation"].(map[string]any)["version"])

	before := a.reads.called("Reservations")
	require.Equal(t, "READ_BEHIND", a.do(read, vars{"id": r.ID, "v": 9}, header...).code())
	require.LessOrEqual(t, a.reads.called("Reservations")-before, 4, "it waits for the announcement, not in a loop of queries")
	require.Equal(t, "BAD_USER_INPUT", a.do(read, vars{"id": r.ID, "v": -1}, header...).code())
}
