package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// mostCatchUp is how many domain events of one stream are read under the lock; a stream that is further behind counts as cold.
const mostCatchUp = 1_000

// prepareBatch reads, in one round trip under the lock, what other replicas have appended to the calls' streams, and the outcomes of the
// calls' idempotency keys. It returns the calls that can be decided now.
func (e *Engine) prepareBatch(ctx context.Context, calls []*call) ([]*call, *batch, error) {
	b := &batch{chunk: e.chunk, streams: map[string]*stream{}, dirty: map[string]*stream{}, known: map[keyID]outcome{}, expired: map[keyID]bool{}}
	calls = e.stillWarm(calls, b)
	behind := e.staleStreams(b)
	keys := keysOf(calls)
	if len(behind) == 0 && len(keys.actors) == 0 {
		return calls, b, nil
	}
	q := &pgx.Batch{}
	if len(behind) > 0 {
		q.Queue(eventstore.ChangesSQL, streamIDs(behind), streamVersions(behind), mostCatchUp)
	}
	if len(keys.actors) > 0 {
		q.Queue(`SELECT actor, key, request_hash, outcome, expires_at > $3 FROM idempotency_keys
			JOIN unnest($1::text[], $2::text[]) AS asked(actor, key) USING (actor, key)`,
			keys.actors, keys.keys, e.now)
	}
	results := e.connection.SendBatch(ctx, q)
	defer func() { _ = results.Close() }() // again after a fault: its error is known then
	if len(behind) > 0 {
		if err := e.catchUp(results, b); err != nil {
			return calls, b, err
		}
	}
	if len(keys.actors) > 0 {
		if err := b.readKeys(results); err != nil {
			return calls, b, err
		}
	}
	if err := results.Close(); err != nil {
		return calls, b, fmt.Errorf("read under the lock: %w", err)
	}
	return e.stillWarm(calls, b), b, nil
}

// stillWarm returns the calls whose streams are in memory and adds the streams to the batch. The other calls wait for theirs again.
func (e *Engine) stillWarm(calls []*call, b *batch) []*call {
	warm := calls[:0:0]
	for _, c := range calls {
		if e.allCached(c) {
			warm = append(warm, c)
			for _, id := range c.streams {
				b.streams[id] = e.cache.get(id)
			}
			continue
		}
		e.admitCall(c)
	}
	return warm
}

func (e *Engine) allCached(c *call) bool {
	for _, id := range c.streams {
		s := e.cache.get(id)
		if s == nil {
			return false
		}
		if s.incarnation != e.head.Incarnation {
			e.cache.drop(id) // loaded while the log changed its incarnation
			return false
		}
	}
	return true
}

// currentStream returns a stream that is in memory and to which no other replica can have appended, else nil.
func (e *Engine) currentStream(id string) *stream {
	s := e.cache.get(id)
	if s == nil || s.checkedAt < e.foreign || s.incarnation != e.head.Incarnation {
		return nil
	}
	return s
}

// staleStreams returns the batch's streams to which other replicas may have appended since they were checked.
func (e *Engine) staleStreams(b *batch) []*stream {
	var behind []*stream
	for _, s := range b.streams {
		if s.checkedAt < e.foreign {
			behind = append(behind, s)
		}
	}
	return behind
}

// catchUp applies what other replicas appended. A stream that is too far behind, or that this build can't read, is dropped: its commands wait
// until it is loaded, or are refused then, and the others go on.
func (e *Engine) catchUp(results pgx.BatchResults, b *batch) error {
	rows, err := results.Query()
	if err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	added := map[string]int{}
	err = eventstore.EachChange(rows, func(c *eventstore.Change) error {
		added[c.StreamID]++
		if added[c.StreamID] < mostCatchUp && b.streams[c.StreamID].applyChange(e.registry, c) != nil {
			added[c.StreamID] = mostCatchUp
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	for id, s := range b.streams {
		s.checkedAt = e.head.Position
		if added[id] >= mostCatchUp {
			e.cache.drop(id)
			delete(b.streams, id)
		}
	}
	return nil
}

func (b *batch) readKeys(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return fmt.Errorf("read idempotency keys: %w", err)
	}
	var k keyID
	var hash, encoded []byte
	var valid bool
	_, err = pgx.ForEachRow(rows, []any{&k.actor, &k.key, &hash, &encoded, &valid}, func() error {
		if !valid {
			b.expired[k] = true
			return nil
		}
		o := outcome{hash: slices.Clone(hash)}
		if err := json.Unmarshal(encoded, &o); err != nil {
			return fmt.Errorf("read the outcome of key %q: %w", k.key, err)
		}
		b.known[k] = o
		return nil
	})
	if err != nil {
		return fmt.Errorf("read idempotency keys: %w", err)
	}
	return nil
}

func keysOf(calls []*call) (k struct{ actors, keys []string }) {
	for _, c := range calls {
		if c.Key != nil {
			k.actors = append(k.actors, c.Key.Actor)
			k.keys = append(k.keys, c.Key.Key)
		}
	}
	return k
}

func streamIDs(streams []*stream) []string {
	out := make([]string, len(streams))
	for i, s := range streams {
		out[i] = s.id
	}
	return out
}

func streamVersions(streams []*stream) []int64 {
	out := make([]int64, len(streams))
	for i, s := range streams {
		out[i] = s.version
	}
	return out
}
