package transport

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"ticketing/internal/overload"
	"ticketing/internal/testenv"
)

// crowd is a host whose only subscription is shared by all. It sends what is announced.
type crowd struct {
	flood

	executions *atomic.Int64
	states     chan string
}

func newCrowd() crowd {
	c := crowd{executions: new(atomic.Int64), states: make(chan string)}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: String } type Subscription { state: String }`})
	c.exec = executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			c.executions.Add(1)
			return func(ctx context.Context) *graphql.Response {
				select {
				case state := <-c.states:
					return &graphql.Response{Data: []byte(`{"state":"` + state + `"}`)}
				case <-ctx.Done():
					return nil
				}
			}
		},
	})
	return c
}

func (crowd) Share(context.Context, *graphql.OperationContext) (*Shared, error) {
	return &Shared{Key: "all"}, nil
}

func newTestBroadcast(changes bool) *broadcast {
	bs := &broadcasts{h: &Handler{}, byKey: map[string]*broadcast{}, sponsored: map[string]int{}}
	bs.h.metrics = newMetrics(nil, overload.NewGate(1), newSlots(1), bs)
	return newBroadcast(bs, &Shared{Key: "key", Cost: 100, Changes: changes, First: PartFirst}, func() {})
}

func takeAll(m *member) (taken []string) {
	for {
		r, _ := m.take()
		if r == nil {
			return taken
		}
		taken = append(taken, string(r.payload))
	}
}

func TestASlowMemberGetsTheNewestState(t *testing.T) {
	t.Parallel()
	b := newTestBroadcast(false)
	slow := b.add(PartFirst, func() {}, trace.SpanContext{})
	for i := range 100 {
		b.publish(&encoded{payload: []byte(strconv.Itoa(i))}, PartNext)
	}
	require.Equal(t, []string{"99"}, takeAll(slow))
	require.Equal(t, []string{"99"}, takeAll(b.add(PartFirst, func() {}, trace.SpanContext{})), "so does who comes later, at once")
}

func TestAMemberThatMissedChangesStartsOver(t *testing.T) {
	t.Parallel()
	b := newTestBroadcast(true)
	fast, slow := b.add(PartFirst, func() {}, trace.SpanContext{}), b.add(PartFirst, func() {}, trace.SpanContext{})
	b.publish(&encoded{payload: []byte("first")}, PartFirst)
	require.Equal(t, []string{"first"}, takeAll(fast))
	for i := range mostBehind { // the first one is still there
		b.publish(&encoded{payload: []byte(strconv.Itoa(i))}, PartNext)
		require.Equal(t, []string{strconv.Itoa(i)}, takeAll(fast), "a slow one holds up no other")
	}
	require.Equal(t, PartRestart, <-b.shared.Asked())
	late := b.add(PartFirst, func() {}, trace.SpanContext{})
	require.Equal(t, PartFirst, <-b.shared.Asked())
	b.publish(&encoded{payload: []byte("between")}, PartNext)
	b.publish(&encoded{payload: []byte("restart")}, PartRestart)
	b.publish(&encoded{payload: []byte("first")}, PartFirst)
	b.publish(&encoded{payload: []byte("after")}, PartNext)
	require.Equal(t, []string{"between", "after"}, takeAll(fast))
	require.Equal(t, []string{"restart", "after"}, takeAll(slow))
	require.Equal(t, []string{"first", "after"}, takeAll(late))
}

func TestMembersGoOnAfterTheVersionsThatTheyHave(t *testing.T) {
	t.Parallel()
	b := newTestBroadcast(true)
	b.add(PartFirst, func() {}, trace.SpanContext{})
	early, late := b.add(7, func() {}, trace.SpanContext{}), b.add(9, func() {}, trace.SpanContext{})
	again := b.add(7, func() {}, trace.SpanContext{})
	require.Equal(t, []Part{7, 9}, []Part{<-b.shared.Asked(), <-b.shared.Asked()}, "one response for each version")
	b.publish(&encoded{payload: []byte("between")}, PartNext)
	b.publish(&encoded{payload: []byte("since 7")}, 7)
	b.publish(&encoded{payload: []byte("since 9")}, 9)
	b.publish(&encoded{payload: []byte("after")}, PartNext)
	require.Equal(t, []string{"since 7", "after"}, takeAll(early))
	require.Equal(t, []string{"since 7", "after"}, takeAll(again))
	require.Equal(t, []string{"since 9", "after"}, takeAll(late))

	var last *member
	for version := range Part(2 * mostAsked) {
		last = b.add(10+version, func() {}, trace.SpanContext{})
	}
	b.publish(&encoded{payload: []byte("restart")}, PartRestart)
	require.Equal(t, []string{"restart"}, takeAll(last), "all others wait no longer for them")
}

func TestWhatNoMemberCanTakeIsNotExecuted(t *testing.T) {
	t.Parallel()
	b := newTestBroadcast(false)
	first, second := b.add(PartFirst, func() {}, trace.SpanContext{}), b.add(PartFirst, func() {}, trace.SpanContext{})
	b.publish(&encoded{payload: []byte("now")}, PartNext)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.Error(t, b.awaitFree(stopped))
	takeAll(first)
	require.NoError(t, b.awaitFree(t.Context()))
	require.Equal(t, 50, second.cost(), "members share the cost")
}

func TestABroadcastLeavesTimeToOthers(t *testing.T) {
	t.Parallel()
	b := newTestBroadcast(false)
	for range 1_000 {
		b.add(PartFirst, func() {}, trace.SpanContext{})
	}
	require.Equal(t, 1_000*pausePerMember, b.publish(&encoded{}, PartNext))
	for range 20_000 {
		b.add(PartFirst, func() {}, trace.SpanContext{})
	}
	require.Equal(t, longestPause, b.publish(&encoded{}, PartNext))
}

// A client can't have the processors for itself by subscriptions that could be shared.
func TestAClientGivesFewBroadcastsAShareOfTheirOwn(t *testing.T) {
	t.Parallel()
	bs := newTestBroadcast(false).of
	join := func(key, client string) *broadcast {
		b := bs.byKey[key]
		if b == nil {
			b = newBroadcast(bs, &Shared{Key: key, Client: client}, func() {})
			bs.byKey[key] = b
		}
		bs.sponsor(b, client)
		return b
	}
	for _, key := range []string{"a", "b"} {
		require.Equal(t, "shared "+key, join(key, "greedy").shared.Payer())
	}
	third := join("c", "greedy")
	require.Equal(t, "shared by greedy", third.shared.Payer())
	require.Equal(t, "shared by greedy", join("d", "greedy").shared.Payer())
	join("c", "another")
	require.Equal(t, "shared c", third.shared.Payer(), "it is no single client's any more")
	bs.forget(bs.byKey["a"])
	require.Equal(t, "shared e", join("e", "greedy").shared.Payer())
	for _, b := range bs.byKey {
		bs.forget(b)
		bs.forget(b)
	}
	require.Empty(t, bs.sponsored)
}

// subscribeToCrowd returns a connection that has subscribed.
func subscribeToCrowd(ctx context.Context, url string) (*websocket.Conn, error) {
	conn, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return nil, err
	}
	_ = response
	for _, m := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{"query":"subscription { state }"}}`} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			return nil, err
		}
	}
	_, _, err = conn.Read(ctx) // connection_ack
	return conn, err
}

func subscribeThree(t *testing.T, url string) (conns []*websocket.Conn) {
	t.Helper()
	for range 3 {
		conn, err := subscribeToCrowd(t.Context(), url)
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	return conns
}

func TestAllWhoAskForTheSameShareOneExecution(t *testing.T) {
	t.Parallel()
	host := newCrowd()
	h, url := serve(t, func(c *Config) { c.Host = host })
	conns := subscribeThree(t, url)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/?query=subscription+%7B+state+%7D", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "text/event-stream")
	events, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer events.Body.Close()
	awaitMembers(t, h, 4)
	awaitInside(t, h, 0)
	host.states <- "sold out"
	for _, conn := range conns {
		_, data, err := conn.Read(t.Context())
		require.NoError(t, err)
		require.JSONEq(t, `{"type":"next","id":"1","payload":{"data":{"state":"sold out"}}}`, string(data))
	}
	text := ""
	for !strings.Contains(text, `data: {"data":{"state":"sold out"}}`) {
		part := make([]byte, 100)
		n, err := events.Body.Read(part)
		require.NoError(t, err)
		text += string(part[:n])
	}
	require.EqualValues(t, 1, host.executions.Load())

	require.NoError(t, conns[0].Write(t.Context(), websocket.MessageText, []byte(`{"id":"1","type":"complete"}`)))
	awaitMembers(t, h, 3)
	_ = events.Body.Close()
	for _, conn := range conns {
		_ = conn.CloseNow()
	}
	waitForNoStreams(t, h)
	require.Zero(t, h.shared.count(), "it ends with the last of them")
}

// clumsy is a crowd of which one client's share can't be charged.
type clumsy struct {
	crowd

	charges *atomic.Int64
}

func (c clumsy) ChargeShared(context.Context, int, int) time.Duration {
	if c.charges.Add(1) == 1 {
		panic("a bug")
	}
	return 0
}

func TestAPanicOfACourierEndsOneConnection(t *testing.T) {
	t.Parallel()
	host := clumsy{newCrowd(), new(atomic.Int64)}
	h, url := serve(t, func(c *Config) { c.Host = host })
	conns := subscribeThree(t, url)
	awaitMembers(t, h, 3)
	host.states <- "first"
	awaitMembers(t, h, 2)
	host.states <- "second"
	complete := 0
	for _, conn := range conns {
		_, first, err := conn.Read(t.Context())
		require.NoError(t, err, "it was sent before")
		require.Contains(t, string(first), "first")
		if _, second, err := conn.Read(t.Context()); err == nil {
			require.Contains(t, string(second), "second")
			complete++
		}
	}
	require.Equal(t, 2, complete)
}

func awaitMembers(t *testing.T, h *Handler, want int) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		h.shared.mu.Lock()
		defer h.shared.mu.Unlock()
		members := 0
		for _, b := range h.shared.byKey {
			b.mu.Lock()
			members += len(b.members)
			b.mu.Unlock()
		}
		return members == want, fmt.Sprintf("%d members", members)
	})
}

// liveHeap returns the bytes that are in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // of what pools kept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// comeAndGo has clients connect, subscribe and leave, some at a time.
func comeAndGo(t *testing.T, url string, clients int) {
	t.Helper()
	const together = 20
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	var all sync.WaitGroup
	for range together {
		all.Go(func() {
			for range clients / together {
				conn, err := subscribeToCrowd(ctx, url)
				if !assert.NoError(t, err) {
					return
				}
				_ = conn.CloseNow()
			}
		})
	}
	all.Wait()
}

// It runs alone: it counts the goroutines and the memory of the process.
func TestAThousandClientsComeAndGo(t *testing.T) { //nolint:paralleltest // see above
	h, url := serve(t, func(c *Config) { c.Host = newCrowd() })
	before := goleak.IgnoreCurrent()
	comeAndGo(t, url, 200) // warms up
	waitForNoStreams(t, h)
	warm := liveHeap()
	comeAndGo(t, url, 1_000)
	waitForNoStreams(t, h)
	require.Zero(t, h.shared.count())
	http.DefaultClient.CloseIdleConnections()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		err := goleak.Find(before)
		return err == nil, fmt.Sprint(err)
	})
	const most = 2 << 20 // two kilobytes of each client: a socket alone has more
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		grown := liveHeap() - warm
		return grown < most, fmt.Sprintf("%d bytes more are in use", grown)
	})
}
