package projector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

const (
	catchUpStreams = 200   // asked for at a time
	catchUpRecords = 20000 // read at a time
)

var errNotInLog = errors.New("the log lacks the version before it")

// catchUp reads from the log what the streams lack and writes it, or at least the next part of it. It answers the streams of which
// the log has nothing to offer.
func (w *writer) catchUp(ctx context.Context, gap *GapError) (missing []string, err error) {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(gap.Streams)), catchUpStreams) {
		recorded, err := readStreams(ctx, w.events, ids, gap.Streams)
		if err != nil {
			return nil, err
		}
		records := make([]Record, len(recorded))
		offered := map[string]bool{}
		for i, r := range recorded {
			records[i] = newRecord(w.registry, r)
			offered[r.StreamID] = r.Version == gap.Streams[r.StreamID]+1 || offered[r.StreamID]
		}
		for _, id := range ids {
			if !offered[id] {
				missing = append(missing, id)
			}
		}
		records = slices.DeleteFunc(records, func(r Record) bool { return !offered[r.StreamID] })
		if err := w.write(ctx, batch{records: records}); err != nil {
			return nil, err
		}
		w.metrics.caughtUp.WithLabelValues(w.projection.Name()).Add(float64(len(records)))
	}
	return missing, nil
}

// readStreams reads what follows the given versions, stream by stream.
func readStreams(ctx context.Context, log eventstore.Querier, ids []string, versions map[string]int64) ([]eventstore.Recorded, error) {
	rows, err := log.Query(ctx, `SELECT d.shard, d.position, d.stream_id, d.version, d.type, d.schema_version, d.data, d.metadata, d.recorded_at
		FROM unnest($1::text[], $2::bigint[]) AS s (stream_id, version)
		CROSS JOIN LATERAL (
			SELECT e.shard, e.position, e.stream_id, e.version, e.type, e.schema_version, e.data, e.metadata, e.recorded_at
			FROM domain_events e WHERE e.stream_id = s.stream_id AND e.version > s.version ORDER BY e.version LIMIT $3) d`,
		ids, column(ids, func(id string) int64 { return versions[id] }), catchUpRecords/len(ids))
	if err != nil {
		return nil, fmt.Errorf("projector: read streams from the log: %w", err)
	}
	recorded, err := pgx.CollectRows(rows, eventstore.ScanRecorded)
	if err != nil {
		return nil, fmt.Errorf("projector: read streams from the log: %w", err)
	}
	return recorded, nil
}

// missing puts the records behind a gap aside that the log can't close.
func (b *batch) missing(ids []string, gap *GapError, aside map[string]*RecordError) {
	for i := range b.records {
		r := &b.records[i]
		known := aside[r.StreamID]
		if slices.Contains(ids, r.StreamID) && r.Version > gap.Streams[r.StreamID] && (known == nil || known.Version > r.Version) {
			aside[r.StreamID] = r.fail(errNotInLog)
		}
	}
}
