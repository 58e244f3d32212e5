package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds of asking Redis. All of it is for speed only: whatever is lost, late or not asked for is found in the database, under the lock.
const (
	recallTimeout   = 50 * time.Millisecond // of one question, with the wait for its turn
	recallQueue     = 1_024                 // questions that wait to be asked; whoever has one more goes on without
	recallPause     = time.Second           // between two questions while Redis does not answer
	rememberTimeout = time.Second           // of writing one batch
	rememberQueue   = 4_096                 // outcomes that wait to be written; one more is dropped
	sightingTTL     = time.Second           // how long a look at the log's incarnation counts
)

// outcomes is the fast path of idempotency: it keeps in Redis what keys came to, so that a retry is answered without the queue.
//
// What it answers is what the database would answer. An outcome gets here after its commit was acknowledged, and from then on nothing
// changes it until it expires, which it says itself; keys that may be released are never here (Key.Releasable), so that no deletion can
// come too late or be overtaken. What a restore may have lost is told apart by the log's incarnation, which is a part of the name; it
// counts only while the loop has seen it, under the lock, within the last second. An idle loop answers no slower.
//
// There is nothing personal in it: names are hashes (a client's key may be anything), values are ids or rejections.
type outcomes struct {
	redis *redis.Client
	log   *slog.Logger
	asked chan question
	queue chan remembered
	again atomic.Int64 // when Redis may be asked again, in Unix nanoseconds; 0: it answers
}

// question waits for its answer, the value or nil. The channel is buffered: nobody waits for who asked.
type question struct {
	name   string
	answer chan any
}

// remembered is an outcome on its way to Redis, and what stands there.
type remembered struct {
	name    string
	Outcome outcome   `json:"outcome"`
	Hash    []byte    `json:"hash"`    // of the request
	Expires time.Time `json:"expires"` // by the engine's clock, as in the database
}

// sighting is when the loop saw, under the lock, which incarnation of the log it works on.
type sighting struct {
	incarnation string
	at          time.Time
}

// newOutcomes answers nil without a client.
func newOutcomes(client *redis.Client, log *slog.Logger) *outcomes {
	if client == nil {
		return nil
	}
	return &outcomes{redis: client, log: log, asked: make(chan question, recallQueue), queue: make(chan remembered, rememberQueue)}
}

// recallOutcome answers a command from what its key came to before, if that is known in Redis.
func (e *Engine) recallOutcome(ctx context.Context, k *Key) (result, bool) {
	if e.outcomes == nil || k == nil || k.Releasable {
		return result{}, false
	}
	seen := e.seen.Load()
	if seen == nil || time.Since(seen.at) > sightingTTL {
		return result{}, false
	}
	o, ok := e.outcomes.findOutcome(ctx, outcomeName(seen.incarnation, k), e.clock())
	if !ok {
		return result{}, false
	}
	e.metrics.recalled.Inc()
	return o.replayTo(k), true
}

// rememberOutcomes sends what a batch's keys came to on their way. It never waits.
func (e *Engine) rememberOutcomes(b *batch) {
	for _, r := range b.remembered {
		select {
		case e.outcomes.queue <- r:
		default:
			e.metrics.forgotten.Inc()
		}
	}
}

// findOutcome answers an outcome that has not expired.
func (o *outcomes) findOutcome(ctx context.Context, name string, now time.Time) (outcome, bool) {
	if !o.mayAsk() {
		return outcome{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	q := question{name: name, answer: make(chan any, 1)}
	select {
	case o.asked <- q:
	default:
		return outcome{}, false
	}
	select {
	case value := <-q.answer:
		text, _ := value.(string)
		var found remembered
		if json.Unmarshal([]byte(text), &found) != nil || !now.Before(found.Expires) {
			return outcome{}, false // an unreadable one too: another version of this program may have written it
		}
		found.Outcome.hash = found.Hash
		return found.Outcome, true
	case <-ctx.Done():
		return outcome{}, false
	}
}

// runQuestions asks until ctx ends, all that waits at once: a question each would take more of both machines than what is asked about.
func (o *outcomes) runQuestions(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-o.asked:
			o.askBatch(ctx, receiveAll(o.asked, q))
		}
	}
}

func (o *outcomes) askBatch(ctx context.Context, batch []question) {
	names := make([]string, len(batch))
	for i, q := range batch {
		names[i] = q.name
	}
	asking, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	values, err := o.redis.MGet(asking, names...).Result()
	o.noteReply(ctx, err)
	for i, q := range batch {
		if err != nil {
			q.answer <- nil
			continue
		}
		q.answer <- values[i]
	}
}

// receiveAll answers first and what waits behind it, up to a batch.
func receiveAll[T any](queue <-chan T, first T) []T {
	all := []T{first}
	for len(all) < batchSize {
		select {
		case next := <-queue:
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}

// writeOutcomes takes outcomes to Redis until ctx ends; what waits then is lost.
func (o *outcomes) writeOutcomes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-o.queue:
			if batch := receiveAll(o.queue, r); o.mayAsk() {
				o.writeBatch(ctx, batch)
			}
		}
	}
}

func (o *outcomes) writeBatch(ctx context.Context, batch []remembered) {
	pipeline := o.redis.Pipeline()
	for i := range batch {
		value, err := json.Marshal(&batch[i])
		if err != nil {
			panic("engine: an outcome holds only strings: " + err.Error())
		}
		pipeline.Set(ctx, batch[i].name, value, keyTTL)
	}
	writing, cancel := context.WithTimeout(ctx, rememberTimeout)
	defer cancel()
	_, err := pipeline.Exec(writing)
	o.noteReply(ctx, err)
}

// mayAsk says whether to ask Redis now. While it does not answer, one caller a second finds out whether it does again; the others go on.
func (o *outcomes) mayAsk() bool {
	again, now := o.again.Load(), time.Now().UnixNano()
	return again == 0 || now >= again && o.again.CompareAndSwap(again, now+int64(recallPause))
}

// noteReply takes note of what came of asking. A caller that left says nothing about Redis.
func (o *outcomes) noteReply(ctx context.Context, err error) {
	switch {
	case err == nil:
		if o.again.Load() != 0 {
			o.again.Store(0)
		}
	case ctx.Err() == nil:
		if o.again.Swap(time.Now().Add(recallPause).UnixNano()) == 0 {
			o.log.WarnContext(ctx, "Redis does not answer: outcomes of idempotency keys are looked up in the database only", "error", err)
		}
	}
}

func outcomeName(incarnation string, k *Key) string {
	name := sha256.Sum256([]byte(k.Actor + "\x00" + k.Key))
	return "outcome:" + incarnation + ":" + base64.RawURLEncoding.EncodeToString(name[:])
}
