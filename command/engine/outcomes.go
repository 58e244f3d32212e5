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

// Bounds of using Redis. It is there for speed only: an outcome that is not found in time is found in the database, under the lock.
const (
	recallTimeout   = 50 * time.Millisecond // of one lookup, with the wait for its turn
	recallQueue     = 1_024                 // lookups that wait; a command beyond that does without
	recallPause     = time.Second           // between two lookups while Redis fails
	rememberTimeout = time.Second           // of writing one batch
	rememberQueue   = 4_096                 // outcomes that wait to be written; more are dropped
	sightingTTL     = time.Second           // how long the log's incarnation counts as known
	// rememberTTL is how long Redis has an outcome: retries come soon, and the database has it for keyTTL.
	rememberTTL  = 10 * time.Minute
	longestValue = 4 << 10 // bytes; longer outcomes are in the database only. With rememberTTL they bound what one user may fill
)

// outcomes is the fast path of idempotency: it keeps outcomes in Redis, so that a retry does without the queue.
//
// It returns what the database would return. An outcome is written here after its commit was acknowledged, and does not change until it
// expires, at a time that is stored with it. Releasable keys are never here, so that no deletion can be late. Outcomes that a restore may
// have lost have another name: the log's incarnation is a part of it, and counts only if the loop has seen it, under the lock, within
// the last second. An idle loop makes nothing slower.
//
// Nothing personal is stored: names are hashes (a client's key may be anything), values are ids or rejections.
type outcomes struct {
	redis     *redis.Client
	log       *slog.Logger
	questions chan question
	queue     chan remembered
	again     atomic.Int64 // when Redis may be used again, in Unix nanoseconds; 0: it works
}

// question is a lookup. Its reply is the value or nil; the channel is buffered, so that the sender never waits.
type question struct {
	name  string
	reply chan any
}

// remembered is an outcome as it is stored in Redis.
type remembered struct {
	name    string
	Outcome outcome   `json:"outcome"`
	Hash    []byte    `json:"hash"`    // of the request
	Expires time.Time `json:"expires"` // by the log's time, as in the database
}

// sighting is the incarnation of the log and its time that the loop saw under the lock, and when.
type sighting struct {
	incarnation string
	now         time.Time
	at          time.Time
}

// newOutcomes returns nil without a client.
func newOutcomes(client *redis.Client, log *slog.Logger) *outcomes {
	if client == nil {
		return nil
	}
	return &outcomes{redis: client, log: log, questions: make(chan question, recallQueue), queue: make(chan remembered, rememberQueue)}
}

// recallOutcome returns the earlier result of a command with the same key, and whether Redis has it.
func (e *Engine) recallOutcome(ctx context.Context, k *Key) (result, bool) {
	if e.outcomes == nil || k == nil || k.Releasable {
		return result{}, false
	}
	seen := e.seen.Load()
	if seen == nil || time.Since(seen.at) > sightingTTL {
		return result{}, false
	}
	o, ok := e.outcomes.findOutcome(ctx, outcomeName(seen.incarnation, k), seen.now.Add(time.Since(seen.at)))
	if !ok {
		return result{}, false
	}
	e.metrics.recalled.Inc()
	return o.replayTo(k), true
}

// rememberOutcomes queues the outcomes of a batch for Redis. It never blocks.
func (e *Engine) rememberOutcomes(b *batch) {
	for _, r := range b.remembered {
		select {
		case e.outcomes.queue <- r:
		default:
			e.metrics.forgotten.Inc()
		}
	}
}

// findOutcome returns an outcome that has not expired, and whether there is one.
func (o *outcomes) findOutcome(ctx context.Context, name string, now time.Time) (outcome, bool) {
	if !o.mayAsk() {
		return outcome{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	q := question{name: name, reply: make(chan any, 1)}
	select {
	case o.questions <- q:
	default:
		return outcome{}, false
	}
	select {
	case value := <-q.reply:
		text, _ := value.(string)
		var found remembered
		if json.Unmarshal([]byte(text), &found) != nil || !now.Before(found.Expires) {
			return outcome{}, false // also an unreadable one: another version of this program may have written it
		}
		found.Outcome.hash = found.Hash
		return found.Outcome, true
	case <-ctx.Done():
		return outcome{}, false
	}
}

// runQuestions looks outcomes up until ctx is done, all that wait in one command, which is cheaper on both sides.
func (o *outcomes) runQuestions(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-o.questions:
			o.askBatch(ctx, receiveAll(o.questions, q))
		}
	}
}

func (o *outcomes) askBatch(ctx context.Context, batch []question) {
	names := make([]string, len(batch))
	for i, q := range batch {
		names[i] = q.name
	}
	timed, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	values, err := o.redis.MGet(timed, names...).Result()
	o.noteReply(ctx, err)
	for i, q := range batch {
		if err != nil {
			q.reply <- nil
			continue
		}
		q.reply <- values[i]
	}
}

// receiveAll returns first and what is queued behind it, up to a batch.
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

// writeOutcomes writes outcomes to Redis until ctx is done; those still in the queue are lost.
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
		if len(value) <= longestValue {
			pipeline.Set(ctx, batch[i].name, value, rememberTTL)
		}
	}
	writing, cancel := context.WithTimeout(ctx, rememberTimeout)
	defer cancel()
	_, err := pipeline.Exec(writing)
	o.noteReply(ctx, err)
}

// mayAsk reports whether to use Redis now. While it fails, one caller a second tries it; the others do without.
func (o *outcomes) mayAsk() bool {
	again, now := o.again.Load(), time.Now().UnixNano()
	return again == 0 || now >= again && o.again.CompareAndSwap(again, now+int64(recallPause))
}

// noteReply records whether Redis works. An error after the caller has left says nothing about that.
func (o *outcomes) noteReply(ctx context.Context, err error) {
	switch {
	case err == nil:
		if o.again.Load() != 0 {
			o.again.Store(0)
		}
	case ctx.Err() == nil:
		if o.again.Swap(time.Now().Add(recallPause).UnixNano()) == 0 {
			o.log.WarnContext(ctx, "Redis fails: outcomes of idempotency keys are looked up in the database only", "error", err)
		}
	}
}

func outcomeName(incarnation string, k *Key) string {
	name := sha256.Sum256([]byte(k.Actor + "\x00" + k.Key))
	return "outcome:" + incarnation + ":" + base64.RawURLEncoding.EncodeToString(name[:])
}
