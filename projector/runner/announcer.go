package runner

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/announce"
)

// announcer announces on Redis what was committed, and never delays a projection: while Redis is slow or unreachable, announcements are
// dropped, and watchers notice changes when they read again.
type announcer struct {
	rdb     redis.UniversalClient // nil: nothing is announced
	queue   chan []announce.Change
	metrics *metrics
	log     *slog.Logger
}

func newAnnouncer(rdb redis.UniversalClient, m *metrics, log *slog.Logger) *announcer {
	const batches = 256
	return &announcer{rdb: rdb, queue: make(chan []announce.Change, batches), metrics: m, log: log}
}

func (a *announcer) queueChanges(ctx context.Context, changes []announce.Change) {
	if a.rdb == nil || len(changes) == 0 {
		return
	}
	causesOf(ctx).addTo(changes)
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
			err := a.publishChanges(ctx, changes)
			if err != nil {
				a.metrics.unannounced.Add(float64(len(changes)))
			}
			if (err != nil) != failing && ctx.Err() == nil { // log the beginning and the end of a fault
				failing = err != nil
				a.log.Warn("announcing changes on Redis", "works", !failing, "error", err)
			}
		}
	}
}

func (a *announcer) publishChanges(ctx context.Context, changes []announce.Change) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ctx, endSpans := startAnnouncing(ctx, changes)
	err := announce.Publish(ctx, a.rdb, changes)
	endSpans(err)
	return err
}
