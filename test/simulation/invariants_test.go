package simulation

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"ticketing/command/audit"
	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/reservation"
)

// recorded returns the record as package eventstore reads it.
func (r record) recorded() eventstore.Recorded {
	out := eventstore.Recorded{
		Position: r.position, StreamID: r.streamID, Version: r.version, Type: r.name, SchemaVersion: int(r.schemaVersion), Data: json.RawMessage(r.data),
		RecordedAt: r.recordedAt,
	}
	_ = json.Unmarshal([]byte(r.metadata), &out.Metadata)
	return out
}

// auditLog replays the records, which have no fault.
func auditLog(log []record) *audit.Log {
	audited := audit.New(audit.Config{Registry: catalog.Registry()})
	for _, r := range log {
		recorded := r.recorded()
		_ = audited.Apply(&recorded)
	}
	return audited
}

// checkLog checks what must hold in the log after any run, and the outcomes that customers had.
func (s *shop) checkLog() {
	log := s.log.committed.log
	audited, report := audit.New(audit.Config{Registry: catalog.Registry()}), audit.NewReport(10)
	commands := map[string][]record{}
	last := time.Time{}
	for i, r := range log {
		if r.position != int64(i)+1 {
			s.violate("position %d is the log's number %d", r.position, i+1)
		}
		if r.recordedAt.Before(last) {
			s.violate("position %d is of %s, and the one before of %s", r.position, r.recordedAt, last)
		}
		last = r.recordedAt
		recorded := r.recorded()
		if recorded.Metadata.Actor != sagaActor { // it goes on with what a command began
			commands[recorded.Metadata.CorrelationID] = append(commands[recorded.Metadata.CorrelationID], r)
		}
		if err := audited.Apply(&recorded); err != nil {
			s.violate("position %d of %s: %v", r.position, r.streamID, err)
			return
		}
	}
	audited.Check(func(string, int64) bool { return false }, report)
	for _, f := range report.Findings {
		s.violate("%s", f)
	}
	s.checkSeats(audited)
	for _, id := range slices.Sorted(maps.Keys(s.outcomes)) {
		s.checkCommand(id, s.outcomes[id], commands[id])
	}
}

// checkSeats requires that each seat has one holder.
func (s *shop) checkSeats(log *audit.Log) {
	holders := map[string]string{}
	for id, r := range log.Reservations {
		if !r.State.Holding() && r.State.Status != reservation.Completed {
			continue
		}
		for _, seat := range r.State.Seats {
			if other := holders[seat.Label]; other != "" && seat.Label != "" {
				s.violate("seat %s has two holders: %s and %s", seat.Label, id, other)
			}
			holders[seat.Label] = id
		}
	}
}

// checkCommand requires that a command is in the log once if it was accepted, and not if it was rejected.
func (s *shop) checkCommand(id string, o outcome, records []record) {
	streams := map[string]bool{}
	for i, r := range records {
		if streams[r.streamID] {
			s.violate("%s is twice in %s: at position %d", id, r.streamID, r.position)
		}
		streams[r.streamID] = true
		if i > 0 && r.position != records[i-1].position+1 {
			s.violate("%s was committed in parts: at %d and at %d", id, records[i-1].position, r.position)
		}
	}
	switch {
	case o.rejected && len(records) > 0:
		s.violate("%s was rejected, and is in the log at position %d", id, records[0].position)
	case o.accepted && !s.excused[id] && len(records) == 0:
		s.violate("%s was accepted and is not in the log", id)
	case o.accepted && !s.excused[id] && !streams[eventstore.StreamID(reservation.Category, o.ref)]:
		s.violate("%s was accepted as %s, which it did not change", id, o.ref)
	}
}
