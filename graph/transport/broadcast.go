package transport

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"

	"ticketing/graph/request"
	"ticketing/internal/telemetry"
	"ticketing/internal/wait"
)

const (
	// mostBehind is how many responses wait for a client that reads slowly, if each says what changed. It bounds what slow readers keep in
	// memory, which they share: then they start over.
	mostBehind = 16
	// pausePerMember is how long a broadcast waits after a response was sent for each member that it is for, so that sending leaves most of a
	// processor to others: what changes meanwhile is in the next response.
	pausePerMember = 25 * time.Microsecond
	// longestPause bounds that pause: with 10,000 members, people still see a change at once.
	longestPause = 250 * time.Millisecond
	// mostLinks is how many members' subscriptions the span of a response is linked with: there may be thousands.
	mostLinks = 16
	// mostSponsored is for how many broadcasts a client is the reason that they have a share of their own: a page of the shop follows two. A client
	// that begins hundreds has one share for all others, until another client joins them.
	mostSponsored = 2
	// sharedUser is the user of what is executed for several.
	sharedUser = "system:api"
)

// broadcasts are the subscriptions that are executed once for several clients. It is safe for concurrent use.
type broadcasts struct {
	h     *Handler
	mu    sync.Mutex
	byKey map[string]*broadcast

	sponsored map[string]int // how many broadcasts have a share of their own because of a client
}

// broadcast executes one subscription, and encodes each response once, for all its members.
type broadcast struct {
	of     *broadcasts
	shared *Shared
	cancel context.CancelFunc

	sponsor string // the client because of which it has a share of its own; guarded by the broadcasts

	mu      sync.Mutex
	members map[*member]struct{}
	free    chan struct{} // holds a token when a member may have become free
	newest  *encoded      // the last response, if it says everything
	asking  map[Part]bool // what was asked for, and has not come yet
	ended   bool
	errs    gqlerror.List // why it ended; nil: it was complete
}

// encoded is a response that several clients get.
type encoded struct {
	payload []byte
	eventID string
}

// member is one client of a broadcast.
type member struct {
	b     *broadcast
	wake  func()     // called when there is something to take; it does not wait
	queue []*encoded // responses that were not taken; guarded by the broadcast, as is awaits
	await Part       // PartNext: nothing special
	span  trace.SpanContext
}

// join makes a client, whose subscription has the span, a member of the broadcast with the key, which it starts if there is none.
func (bs *broadcasts) join(shared *Shared, params *operationParams, span trace.SpanContext, wake func()) *member {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.byKey[shared.Key]
	if b == nil {
		ctx := telemetry.WithUserID(telemetry.WithCorrelationID(request.With(context.Background(), request.Info{}), rand.Text()), sharedUser)
		ctx, cancel := context.WithCancel(context.WithValue(ctx, sharedKey{}, shared))
		b = newBroadcast(bs, shared, cancel)
		bs.byKey[shared.Key] = b
		go b.run(ctx, params)
	}
	bs.sponsor(b, shared.Client)
	return b.add(shared.First, wake, span)
}

// sponsor gives a broadcast a share of its own, unless the client has done so for others. The caller holds the lock.
func (bs *broadcasts) sponsor(b *broadcast, client string) {
	if !b.shared.own.Load() && bs.sponsored[client] < mostSponsored {
		b.sponsor = client
		bs.sponsored[client]++
		b.shared.own.Store(true)
	}
}

func newBroadcast(bs *broadcasts, shared *Shared, cancel context.CancelFunc) *broadcast {
	shared.init()
	return &broadcast{
		of: bs, shared: shared, cancel: cancel, members: map[*member]struct{}{}, free: make(chan struct{}, 1), asking: map[Part]bool{shared.First: true},
	}
}

// leave ends a membership, and the broadcast with the last of them.
func (m *member) leave() {
	b := m.b
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.members, m)
	m.queue = nil
	if len(b.members) == 0 {
		b.cancel()
		b.of.forget(b)
	}
}

// forget has the next client with the key start a broadcast of its own. The caller holds the lock.
func (bs *broadcasts) forget(b *broadcast) {
	if bs.byKey[b.shared.Key] != b {
		return
	}
	delete(bs.byKey, b.shared.Key)
	if b.shared.own.Load() {
		if bs.sponsored[b.sponsor]--; bs.sponsored[b.sponsor] == 0 {
			delete(bs.sponsored, b.sponsor)
		}
	}
}

func (bs *broadcasts) count() int {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return len(bs.byKey)
}

func (b *broadcast) add(first Part, wake func(), span trace.SpanContext) *member {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &member{b: b, wake: wake, span: span}
	b.members[m] = struct{}{}
	b.setFree()
	if b.shared.Changes {
		b.await(m, first)
	} else if b.newest != nil {
		m.queue = []*encoded{b.newest}
		wake()
	}
	return m
}

// await has a member go on with a part, for which it asks the execution unless that is under way. Where too many go on after other versions, the
// member starts over. The caller holds the lock.
func (b *broadcast) await(m *member, p Part) {
	const others = 2 // PartFirst and PartRestart
	if p > PartNext && !b.asking[p] && len(b.asking) >= mostAsked-others {
		p = PartRestart
	}
	m.await = p
	if !b.asking[p] {
		b.asking[p] = true
		b.shared.asked <- p // has room for each part
	}
}

// run executes the subscription until the last member has left.
func (b *broadcast) run(ctx context.Context, params *operationParams) {
	var errs gqlerror.List
	defer func() {
		if p := recover(); p != nil {
			b.of.h.logPanic(ctx, "a shared subscription", p)
			errs = presentPanic(ctx)
		}
		b.cancel()
		b.end(errs)
	}()
	op, errs := b.of.h.prepareOperation(ctx, params)
	if errs != nil {
		return
	}
	defer op.span.End()
	op.metrics.subscriptions.Dec() // its members are counted
	errs = op.sendResponses(func(r *graphql.Response) error {
		var pause time.Duration
		_ = op.sendFrame(r, func(r *graphql.Response) error {
			pause = b.publish(&encoded{encodeResponse(r, true), op.state.EventID}, op.state.Part)
			return nil
		}, b.links()...)
		if err := b.of.h.couriers.awaitTaken(ctx); err != nil {
			return err
		}
		if err := wait.For(ctx, pause); err != nil {
			return err
		}
		return b.awaitFree(ctx)
	})
}

// links returns links to the members' subscriptions, the first few that are sampled.
func (b *broadcast) links() (links []trace.Link) {
	if !telemetry.Exports() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for m := range b.members {
		if m.span.IsSampled() && len(links) < mostLinks {
			links = append(links, trace.Link{SpanContext: m.span})
		}
	}
	return links
}

// publish gives a response to the members that it is for, and returns how long the next one has to wait.
func (b *broadcast) publish(r *encoded, part Part) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.asking, part)
	if !b.shared.Changes {
		b.newest = r
	}
	given := 0
	for m := range b.members {
		if m.await == part {
			b.give(m, r)
			given++
		}
	}
	return min(longestPause, time.Duration(given)*pausePerMember)
}

// awaitFree waits until a member has taken all that there is for it: what none of them can take, since they read slowly or have read too much, is not
// executed.
func (b *broadcast) awaitFree(ctx context.Context) error {
	for !b.hasFree() {
		select {
		case <-b.free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *broadcast) hasFree() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for m := range b.members {
		if len(m.queue) == 0 {
			return true
		}
	}
	return false
}

func (b *broadcast) setFree() {
	select {
	case b.free <- struct{}{}:
	default:
	}
}

// give has a member take a response. The caller holds the lock.
func (b *broadcast) give(m *member, r *encoded) {
	m.await = PartNext
	switch {
	case !b.shared.Changes:
		m.queue = append(m.queue[:0], r)
	case len(m.queue) == mostBehind:
		b.of.h.metrics.behind.Inc()
		m.queue = nil
		b.await(m, PartRestart)
		return
	default:
		m.queue = append(m.queue, r)
	}
	m.wake()
}

func (b *broadcast) end(errs gqlerror.List) {
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	b.of.forget(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended, b.errs = true, errs
	for m := range b.members {
		m.wake()
	}
}

// take returns the member's next response, nil when there is none now, and whether more may be taken at once.
func (m *member) take() (r *encoded, more bool) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	if len(m.queue) == 0 {
		return nil, false
	}
	r = m.queue[0]
	m.queue = append(m.queue[:0], m.queue[1:]...)
	if len(m.queue) == 0 {
		m.b.setFree()
	}
	return r, len(m.queue) > 0 || m.b.ended
}

// cost returns the member's share of what a response costs.
func (m *member) cost() int {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	return m.b.shared.Cost / max(1, len(m.b.members))
}

// ended reports whether nothing more comes, and with which errors.
func (m *member) ended() (bool, gqlerror.List) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	return m.b.ended && len(m.queue) == 0, m.b.errs
}
