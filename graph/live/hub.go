// Package live sends waiting clients what changed. A projector announces the new version of a row on Redis after its commit; here each
// watch of the row gets its newest state.
//
// A watch gets the state now, then the newest state whenever it changed. Versions only rise; states in between may be skipped; the last one
// always arrives. Announcements may be lost (a projector killed between commit and announcement, a restart of Redis), so everything that is
// watched is also reread every few seconds: a watch may be late but does not stay wrong.
//
// It costs one Redis connection per process, one query at a time per kind of object however many are watched, and one value per watch: a
// slow reader gets the newest state, not a queue.
package live

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/announce"
)

// hubFeed is what the hub knows of a Feed, whatever its type.
type hubFeed interface {
	readMarked(ctx context.Context) error
	onSubscribed(id string)
	onAnnounced(id string, version int64, cause announce.Cause)
}

// route is where the announcements of one channel go.
type route struct {
	feed hubFeed
	id   string
}

// Config is what a Hub works with. The caller closes what it passes in.
type Config struct {
	Redis      *redis.Client         // Where changes are announced. Required.
	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.
}

// Hub receives announcements for all feeds of a process, over one connection.
type Hub struct {
	redis  *redis.Client
	logger *slog.Logger
	fanOut prometheus.Histogram
	feeds  []hubFeed

	mu      sync.Mutex
	routes  map[string][]route // by channel: what is watched
	certain map[string]bool    // the channels whose announcements arrive
	changed chan struct{}      // holds one token when routes may differ from what is subscribed
}

// NewHub returns a hub without feeds. Nothing is delivered before Run. It panics without a required field.
func NewHub(cfg Config) *Hub {
	if cfg.Redis == nil {
		panic("make a hub: Redis is required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Hub{
		redis: cfg.Redis, logger: cfg.Logger, routes: map[string][]route{}, certain: map[string]bool{}, changed: make(chan struct{}, 1),
		fanOut: promauto.With(cfg.Registerer).NewHistogram(prometheus.HistogramOpts{
			Name: "ticketing_graphql_fan_out_seconds", Help: "From an announced change to the moment at which those who watch it are handed it.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
}

// Run delivers changes until ctx ends. It survives outages of Redis and of the database.
func (h *Hub) Run(ctx context.Context) error {
	pubsub := h.redis.Subscribe(ctx) // connects with the first channel
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range h.feeds {
		g.Go(func() error { return f.readMarked(ctx) })
	}
	g.Go(func() error { return h.keepSubscribed(ctx, pubsub) })
	g.Go(func() error { h.receiveAll(pubsub); return nil })
	g.Go(func() error {
		<-ctx.Done()
		return pubsub.Close() // ends receiveAll
	})
	return g.Wait()
}

var errPanicked = errors.New("the read has panicked")

// recoverPanic is deferred where a panic is not to end the process.
func (h *Hub) recoverPanic(ctx context.Context) {
	if p := recover(); p != nil {
		h.logger.ErrorContext(ctx, "panic while watched rows were delivered", "panic", p, "stack", string(debug.Stack()))
	}
}

// addRoutes sends the channels' announcements to a feed. It reports whether they are certain to arrive already; else the feed's onSubscribed is
// called once they are.
func (h *Hub) addRoutes(channels []string, r route) (certain bool) {
	h.mu.Lock()
	certain = true
	for _, channel := range channels {
		certain = certain && h.certain[channel]
		h.routes[channel] = append(h.routes[channel], r)
	}
	h.mu.Unlock()
	h.wakeSubscriber()
	return certain
}

func (h *Hub) removeRoutes(channels []string, r route) {
	h.mu.Lock()
	for _, channel := range channels {
		h.routes[channel] = slices.DeleteFunc(h.routes[channel], func(other route) bool { return other == r })
		if len(h.routes[channel]) == 0 {
			delete(h.routes, channel)
			delete(h.certain, channel)
		}
	}
	h.mu.Unlock()
	h.wakeSubscriber()
}

func (h *Hub) wakeSubscriber() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// keepSubscribed keeps the connection's subscriptions equal to routes, in as few commands as it can.
func (h *Hub) keepSubscribed(ctx context.Context, pubsub *redis.PubSub) error {
	have := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.changed:
		}
		add, drop := h.diffRoutes(have)
		if len(add) > 0 {
			if err := pubsub.Subscribe(ctx, add...); err != nil && ctx.Err() == nil {
				// The connection subscribes again itself once Redis is back; until then the rows are reread.
				h.logger.WarnContext(ctx, "subscribing to announcements failed", "error", err)
				h.confirmSubscribed(add)
			}
		}
		if len(drop) > 0 {
			_ = pubsub.Unsubscribe(ctx, drop...) // announcements that still arrive have no route
		}
	}
}

// diffRoutes returns the channels to subscribe to and those to unsubscribe from, and updates have.
func (h *Hub) diffRoutes(have map[string]bool) (add, drop []string) {
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

// receiveAll passes announcements to their feeds until pubsub is closed.
func (h *Hub) receiveAll(pubsub *redis.PubSub) {
	const buffered, pingAfter = 1_000, 3 * time.Second
	messages := pubsub.ChannelWithSubscriptions(redis.WithChannelSize(buffered), redis.WithChannelHealthCheckInterval(pingAfter))
	for message := range messages {
		switch m := message.(type) {
		case *redis.Subscription:
			if m.Kind == "subscribe" { // also after a reconnection, during which announcements may have been missed
				h.setCertain(m.Channel)
				h.confirmSubscribed([]string{m.Channel})
			}
		case *redis.Message:
			version, cause, ok := announce.ParsePayload(m.Payload)
			if !ok {
				continue
			}
			for _, r := range h.routesOf(m.Channel) {
				r.feed.onAnnounced(r.id, version, cause)
			}
		}
	}
}

func (h *Hub) setCertain(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.routes[channel]) > 0 {
		h.certain[channel] = true
	}
}

func (h *Hub) confirmSubscribed(channels []string) {
	for _, channel := range channels {
		for _, r := range h.routesOf(channel) {
			r.feed.onSubscribed(r.id)
		}
	}
}

func (h *Hub) routesOf(channel string) []route {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.routes[channel])
}
