package engine

import (
	"encoding/json"
	"time"

	"ticketing/command/rejection"
)

// eventRows are the domain events of a batch, as the columns of the append.
type eventRows struct {
	streamIDs      []string
	versions       []int64
	types          []string
	schemaVersions []int16
	data           []string
	metadata       []string
}

func (r *eventRows) add(streamID string, version int64, name string, schemaVersion int, data, metadata []byte) {
	r.streamIDs = append(r.streamIDs, streamID)
	r.versions = append(r.versions, version)
	r.types = append(r.types, name)
	r.schemaVersions = append(r.schemaVersions, int16(schemaVersion)) //nolint:gosec // versions are counted by hand
	r.data = append(r.data, string(data))
	r.metadata = append(r.metadata, string(metadata))
}

// keyRows are the idempotency keys of a batch, as the columns of the append.
type keyRows struct {
	actors, keys, outcomes []string
	hashes                 [][]byte
	expiresAt              []time.Time
	releasedActors         []string
	releasedKeys           []string
}

func (r *keyRows) add(k *Key, o outcome, expiresAt time.Time) {
	encoded, err := json.Marshal(o)
	if err != nil {
		panic("engine: an outcome holds only strings: " + err.Error())
	}
	r.actors = append(r.actors, k.Actor)
	r.keys = append(r.keys, k.Key)
	r.hashes = append(r.hashes, k.Hash)
	r.outcomes = append(r.outcomes, string(encoded))
	r.expiresAt = append(r.expiresAt, expiresAt)
}

func (r *keyRows) release(k *Key) {
	r.releasedActors = append(r.releasedActors, k.Actor)
	r.releasedKeys = append(r.releasedKeys, k.Key)
}

// keyID identifies an idempotency key.
type keyID struct{ actor, key string }

func (k *Key) id() keyID { return keyID{k.Actor, k.Key} }

// outcome is what an idempotency key remembers.
type outcome struct {
	Ref       string           `json:"ref,omitempty"`
	Rejection *rejection.Error `json:"rejection,omitempty"`
	hash      []byte
}

// replay answers what the first command with this key was answered, if this one asks for the same.
func (o outcome) replay(k *Key) result {
	switch {
	case string(o.hash) != string(k.Hash):
		return result{err: rejection.New(rejection.IdempotencyKeyReused, "this idempotency key was used for a different request")}
	case o.Rejection != nil:
		return result{err: o.Rejection}
	}
	return result{Result: Result{Decided: Decided{Ref: o.Ref}, Replayed: true}}
}
