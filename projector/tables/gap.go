package tables

import (
	"context"
	"errors"
	"maps"
	"slices"

	"ticketing/command/eventstore"
	"ticketing/projector/projection"
)

const (
	gapStreams = 200    // read at a time
	gapRecords = 20_000 // read at a time
)

var errNotInLog = errors.New("the log lacks the version before it")

// closeGap reads the versions that streams skip from the log and writes them, or at least the next part of them. It returns the streams
// of which the log does not have the next version.
func (w *Writer) closeGap(ctx context.Context, gap *projection.GapError) (missing []string, err error) {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(gap.Streams)), gapStreams) {
		versions := projection.Column(ids, func(id string) int64 { return gap.Streams[id] })
		recorded, err := eventstore.ReadStreams(ctx, w.Events, ids, versions, gapRecords/len(ids))
		if err != nil {
			return nil, err
		}
		hasNext := map[string]bool{}
		var records []projection.Record
		for _, r := range recorded { // stream by stream, in order
			hasNext[r.StreamID] = hasNext[r.StreamID] || r.Version == gap.Streams[r.StreamID]+1
			if hasNext[r.StreamID] {
				records = append(records, projection.Decode(w.Registry, r))
			}
		}
		for _, id := range ids {
			if !hasNext[id] {
				missing = append(missing, id)
			}
		}
		if err := w.Write(ctx, Batch{Records: records}); err != nil {
			return nil, err
		}
		w.metrics.caughtUp.WithLabelValues(w.Projection.Name()).Add(float64(len(records)))
	}
	return missing, nil
}

// addMissing adds the first record of each stream behind a gap that the log can't close.
func (d deadLetters) addMissing(records []projection.Record, missing []string, gap *projection.GapError) {
	for i := range records {
		r := &records[i]
		known := d[r.StreamID]
		if slices.Contains(missing, r.StreamID) && r.Version > gap.Streams[r.StreamID] && (known == nil || known.Version > r.Version) {
			d[r.StreamID] = r.Fail(errNotInLog)
		}
	}
}
