package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/eventstore"
)

// chunk is what was decided and is not sent yet, as the columns of two tables. The engine has one and reuses it.
type chunk struct {
	after    int64 // the log's last position before it
	now      time.Time
	commands int // decided since it was cleared

	streamIDs, versions, types, schemaVersions, data, metadata column
	actors, keys, hashes, outcomes                             column
	freedActors, freedKeys                                     column
}

// chunkSize is how many commands are sent at a time.
const chunkSize = 64

func newChunk() *chunk {
	return &chunk{
		streamIDs: newColumn(textColumn), versions: newColumn(int64Column), types: newColumn(textColumn),
		schemaVersions: newColumn(int16Column), data: newColumn(textColumn), metadata: newColumn(textColumn),
		actors: newColumn(textColumn), keys: newColumn(textColumn), hashes: newColumn(bytesColumn), outcomes: newColumn(textColumn),
		freedActors: newColumn(textColumn), freedKeys: newColumn(textColumn),
	}
}

func (c *chunk) columns() []*column {
	return []*column{
		&c.streamIDs, &c.versions, &c.types, &c.schemaVersions, &c.data, &c.metadata,
		&c.actors, &c.keys, &c.hashes, &c.outcomes, &c.freedActors, &c.freedKeys,
	}
}

// beginBatch clears the chunk for the first commands of a batch.
func (c *chunk) beginBatch(after int64, now time.Time) {
	c.after, c.now = after, now
	c.clear()
}

func (c *chunk) clear() {
	c.commands = 0
	for _, column := range c.columns() {
		column.clear()
	}
}

func (c *chunk) empty() bool { return c.streamIDs.rows+c.keys.rows+c.freedKeys.rows == 0 }

// domainEvents returns the number of domain events.
func (c *chunk) domainEvents() int64 { return int64(c.streamIDs.rows) }

func (c *chunk) addRecord(r record, metadata []byte) {
	c.streamIDs.addText(r.stream.id)
	c.versions.addInt64(r.version)
	c.types.addText(r.name)
	c.schemaVersions.addInt16(int16(r.schemaVersion)) //nolint:gosec // versions are counted by hand
	c.data.addBytes(r.data)
	c.metadata.addBytes(metadata)
}

// addOutcome adds an idempotency key with its outcome.
func (c *chunk) addOutcome(k *Key, o outcome) {
	encoded, err := json.Marshal(o)
	if err != nil {
		panic("engine: an outcome holds only strings: " + err.Error())
	}
	c.actors.addText(k.Actor)
	c.keys.addText(k.Key)
	c.hashes.addBytes(k.Hash)
	c.outcomes.addBytes(encoded)
}

// freeKey deletes a key before the chunk's own keys are inserted.
func (c *chunk) freeKey(k keyID) {
	c.freedActors.addText(k.actor)
	c.freedKeys.addText(k.key)
}

// One statement a chunk, all of them in one transaction. The keys are new: they were looked up under the lock.
const appendSQL = `WITH appended AS (
		` + eventstore.AppendSQL + `
	)
	INSERT INTO idempotency_keys (actor, key, request_hash, outcome, expires_at)
	SELECT actor, key, request_hash, outcome::json, $4
	FROM unnest($11::text[], $12::text[], $13::bytea[], $14::text[]) AS k(actor, key, request_hash, outcome)`

// appendParams returns the parameters of appendSQL, in binary.
func (c *chunk) appendParams(types *pgtype.Map) ([][]byte, error) {
	params := make([][]byte, 0, 14)
	for _, scalar := range []struct {
		oid   uint32
		value any
	}{{pgtype.Int2OID, eventstore.Shard}, {pgtype.Int8OID, c.after}, {pgtype.TimestamptzOID, c.now}, {pgtype.TimestamptzOID, c.now.Add(keyTTL)}} {
		encoded, err := types.Encode(scalar.oid, pgtype.BinaryFormatCode, scalar.value, nil)
		if err != nil {
			return nil, fmt.Errorf("encode the append: %w", err)
		}
		params = append(params, encoded)
	}
	for _, column := range c.columns()[:10] {
		params = append(params, column.param())
	}
	return params, nil
}

const freeSQL = `DELETE FROM idempotency_keys USING unnest($1::text[], $2::text[]) AS freed(actor, key)
	WHERE idempotency_keys.actor = freed.actor AND idempotency_keys.key = freed.key`

func (c *chunk) freeParams() [][]byte { return [][]byte{c.freedActors.param(), c.freedKeys.param()} }
