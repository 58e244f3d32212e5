package tables

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// mostRows is how many rows a batch writes beside those of its streams: a fraction of a second, for which all its streams wait. Streams
// with more go to the backlog.
const mostRows = 5_000

// splitBulky separates the records of a batch from those of streams that are in the backlog already, or go there now because the batch
// would make too many rows with them.
func (w *Writer) splitBulky(
	ctx context.Context, tx pgx.Tx, records []projection.Record,
) (free []projection.Record, bulky []string, err error) {
	p, ok := w.Projection.(projection.Bulky)
	if !ok || w.whole || len(records) == 0 {
		return records, nil, nil
	}
	waiting, err := db.New(tx).LockBacklogOf(ctx, db.LockBacklogOfParams{Projection: p.Name(), StreamIds: projection.Streams(records)})
	if err != nil {
		return nil, nil, fmt.Errorf("lock the backlog: %w", err)
	}
	waits := make(map[string]bool, len(waiting))
	for _, streamID := range waiting {
		waits[streamID] = true
	}
	if bulky, err = chooseBulky(ctx, tx, p, records, waits); err != nil {
		return nil, nil, err
	}
	for _, streamID := range bulky {
		waits[streamID] = true
	}
	if len(waits) == 0 {
		return records, nil, nil
	}
	for i := range records {
		if !waits[records[i].StreamID] {
			free = append(free, records[i])
		}
	}
	return free, bulky, nil
}

// chooseBulky returns the streams with the most rows, so many that what is left makes at most mostRows.
func chooseBulky(
	ctx context.Context, tx pgx.Tx, p projection.Bulky, records []projection.Record, waits map[string]bool,
) (bulky []string, err error) {
	rows, total := map[string]int{}, 0
	versions := map[string]int64{}
	for i := range records {
		r := &records[i]
		count := p.CountRows(r)
		if count == 0 || waits[r.StreamID] {
			continue
		}
		version, known := versions[r.StreamID]
		if !known {
			if version, err = p.StreamVersion(ctx, tx, r.StreamID); err != nil {
				return nil, err
			}
			versions[r.StreamID] = version
		}
		if r.Version > version { // else it was applied before
			rows[r.StreamID] += count
			total += count
		}
	}
	heaviest := slices.SortedFunc(maps.Keys(rows), func(a, b string) int { return cmp.Or(cmp.Compare(rows[b], rows[a]), cmp.Compare(a, b)) })
	for _, streamID := range heaviest {
		if total <= mostRows {
			break
		}
		bulky, total = append(bulky, streamID), total-rows[streamID]
	}
	slices.Sort(bulky)
	return bulky, nil
}

// addBacklog adds streams to the backlog.
func (w *Writer) addBacklog(ctx context.Context, q *db.Queries, streams []string) error {
	if len(streams) == 0 {
		return nil
	}
	if err := q.AddBacklog(ctx, db.AddBacklogParams{Projection: w.Projection.Name(), StreamIds: streams}); err != nil {
		return fmt.Errorf("add to the backlog: %w", err)
	}
	return nil
}

// announceBacklog counts the streams that were added to the backlog, and wakes up who works on it.
func (w *Writer) announceBacklog(streams []string) {
	if len(streams) == 0 {
		return
	}
	w.metrics.setAside.WithLabelValues(w.Projection.Name()).Add(float64(len(streams)))
	select {
	case w.added <- struct{}{}:
	default: // it is awake
	}
}
