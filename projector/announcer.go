package projector

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/announce"
)

// announcer tells watchers what was committed, without ever holding a projection up: when Redis is slow or gone, announcements are
// dropped, and watchers find out by rereading.
type announcer struct {
	rdb     redis.UniversalClient
	queue   chan []announce.Change
	metrics *metrics
	log     *slog.Logger
}

func newAnnouncer(rdb redis.UniversalClient, m *metrics, log *slog.Logger) *announcer {
	const batches = 256
	return &announcer{rdb: rdb, queue: make(chan []announce.Change, batches), metrics: m, log: log}
}

// announce queues the changes. A nil announcer tells nobody.
func (a *announcer) announce(changes []announce.Change) {
	if a == nil || a.rdb == nil || len(changes) == 0 {
		return
	}
	select {
	case a.queue <- changes:
	default:
		a.metrics.unannounced.Add(float64(len(changes)))
	}
}

func (a *announcer) run(ctx context.Context) {
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case changes := <-a.queue:
			err := a.publish(ctx, changes)
			if err != nil {
				a.metrics.unannounced.Add(float64(len(changes)))
			}
			if (err != nil) != failing && ctx.Err() == nil { // the beginning and the end of a fault
				failing = err != nil
				a.log.Warn("announcing changes on Redis", "works", !failing, "error", err)
			}
		}
	}
}

func (a *announcer) publish(ctx context.Context, changes []announce.Change) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return announce.Publish(ctx, a.rdb, changes)
}
