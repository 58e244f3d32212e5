package audit

import (
	"context"
	"slices"

	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

const (
	streamsTogether = 1_000 // streams that are read in one round trip
	fewRecords      = 8     // records of each of them: most reservations and payments have fewer
)

// ReadStreams replays streams up to a position, from where they were read to, and reports those that can't be applied.
func (l *Log) ReadStreams(ctx context.Context, db eventstore.Querier, streamIDs []string, upTo int64, report *Report) error {
	for len(streamIDs) > 0 {
		var unfinished []string
		for chunk := range slices.Chunk(streamIDs, streamsTogether) {
			more, err := l.readChunk(ctx, db, chunk, upTo, report)
			if err != nil {
				return err
			}
			unfinished = append(unfinished, more...)
		}
		streamIDs = unfinished
	}
	return nil
}

// readChunk replays the next records of streams, and returns the streams that may have more.
func (l *Log) readChunk(
	ctx context.Context, db eventstore.Querier, streamIDs []string, upTo int64, report *Report,
) (unfinished []string, err error) {
	limit := max(fewRecords, pageSize/len(streamIDs))
	after := make([]int64, len(streamIDs))
	for i, streamID := range streamIDs {
		after[i] = l.read[streamID]
	}
	records, err := eventstore.ReadStreams(ctx, db, streamIDs, after, limit)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for i := range records {
		r := &records[i]
		if r.Position > upTo {
			continue
		}
		if l.read[r.StreamID] == 0 {
			report.Streams++
		}
		l.read[r.StreamID] = r.Version
		report.DomainEvents++
		if counts[r.StreamID]++; counts[r.StreamID] == limit {
			unfinished = append(unfinished, r.StreamID)
		}
		l.applyAudited(r, report)
	}
	return unfinished, nil
}

// ForgetReservations removes all reservations and payments, so that others can be read in their place.
func (l *Log) ForgetReservations() {
	for id := range l.Reservations {
		delete(l.read, reservation.Stream(id))
	}
	for id := range l.Payments {
		delete(l.read, payment.Stream(id))
	}
	clear(l.Reservations)
	clear(l.Payments)
}

// Forget removes everything that was read.
func (l *Log) Forget() {
	clear(l.read)
	clear(l.Events)
	clear(l.Inventories)
	clear(l.Reservations)
	clear(l.Payments)
}
