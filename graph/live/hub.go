// Package live tells waiting clients what changed. A projector announces the new version of a row on Redis after its commit; whoever
// watches the row here gets its newest state.
//
// What it promises: the state now, then the newest state whenever it changed. Versions only rise; states in between may be skipped; the
// last one always arrives. Announcements may be lost (a projector killed between commit and announcement, Redis restarted), so everything
// that is watched is also reread every few seconds: a watcher may be late but never stays wrong.
//
// What it costs: one Redis connection a process, one query at a time for each kind of object however many are watched, and one value a
// watcher: a slow reader gets the newest state, not a queue.
package live

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// feed is what the hub knows of a Feed, whatever its type.
type feed interface {
	run(ctx context.Context) error
	subscribed(id string)
	announced(id string, version int64)
}

// route is where the announcements of one channel go.
type route struct {
	feed feed
	id   string
}

// Hub listens to announcements for all feeds of a process, over one connection.
type Hub struct {
	redis  *redis.Client
	logger *slog.Logger
	feeds  []feed

	mu      sync.Mutex
	routes  map[string]route // by channel: what is watched
	changed chan struct{}    // holds one token when routes may differ from what is subscribed
}

// NewHub answers a hub without feeds. Nothing is delivered before Run.
func NewHub(client *redis.Client, logger *slog.Logger) *Hub {
	return &Hub{redis: client, logger: logger, routes: map[string]route{}, changed: make(chan struct{}, 1)}
}

// Run listens and reads until ctx ends. It survives Redis and the database being away.
func (h *Hub) Run(ctx context.Context) error {
	pubsub := h.redis.Subscribe(ctx) // connects with the first channel
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range h.feeds {
		g.Go(func() error { return f.run(ctx) })
	}
	g.Go(func() error { return h.keepSubscribed(ctx, pubsub) })
	g.Go(func() error { h.receive(pubsub); return nil })
	g.Go(func() error {
		<-ctx.Done()
		return pubsub.Close() // ends receive
	})
	return g.Wait()
}

// listen routes a channel's announcements to a feed; the feed hears when they are certain to arrive.
func (h *Hub) listen(channel string, r route) {
	h.mu.Lock()
	h.routes[channel] = r
	h.mu.Unlock()
	h.wake()
}

func (h *Hub) unlisten(channel string) {
	h.mu.Lock()
	delete(h.routes, channel)
	h.mu.Unlock()
	h.wake()
}

func (h *Hub) wake() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// keepSubscribed makes the connection's subscriptions those of routes, in as few commands as it can.
func (h *Hub) keepSubscribed(ctx context.Context, pubsub *redis.PubSub) error {
	have := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.changed:
		}
		add, drop := h.difference(have)
		if len(add) > 0 {
			if err := pubsub.Subscribe(ctx, add...); err != nil && ctx.Err() == nil {
				// The connection subscribes again by itself once Redis is back; until then the rows are reread.
				h.logger.WarnContext(ctx, "announcements can't be subscribed to", "error", err)
				h.subscribed(add)
			}
		}
		if len(drop) > 0 {
			_ = pubsub.Unsubscribe(ctx, drop...) // what arrives nevertheless has no route
		}
	}
}

// difference answers what to subscribe to and what no more, and notes it in have.
func (h *Hub) difference(have map[string]bool) (add, drop []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for channel := range h.routes {
		if !have[channel] {
			have[channel] = true
			add = append(add, channel)
		}
	}
	for channel := range have {
		if _, wanted := h.routes[channel]; !wanted {
			delete(have, channel)
			drop = append(drop, channel)
		}
	}
	return add, drop
}

// receive hands announcements to their feeds until pubsub is closed.
func (h *Hub) receive(pubsub *redis.PubSub) {
	const buffered, pingAfter = 1_000, 3 * time.Second
	messages := pubsub.ChannelWithSubscriptions(redis.WithChannelSize(buffered), redis.WithChannelHealthCheckInterval(pingAfter))
	for message := range messages {
		switch m := message.(type) {
		case *redis.Subscription:
			if m.Kind == "subscribe" { // also after a reconnection, which may have missed announcements
				h.subscribed([]string{m.Channel})
			}
		case *redis.Message:
			version, err := strconv.ParseInt(m.Payload, 10, 64)
			if r, ok := h.route(m.Channel); ok && err == nil {
				r.feed.announced(r.id, version)
			}
		}
	}
}

func (h *Hub) subscribed(channels []string) {
	for _, channel := range channels {
		if r, ok := h.route(channel); ok {
			r.feed.subscribed(r.id)
		}
	}
}

func (h *Hub) route(channel string) (route, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.routes[channel]
	return r, ok
}
