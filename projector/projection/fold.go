package projection

import (
	"maps"
	"slices"
)

// Turns decides which records are next in their streams.
type Turns struct {
	versions map[string]int64 // of the rows, by stream
	gaps     map[string]int64 // versions of the rows whose streams skip some
}

// NewTurns returns turns for streams without rows.
func NewTurns() Turns { return Turns{versions: map[string]int64{}, gaps: map[string]int64{}} }

// SetVersion says at which version the row of a stream is.
func (t Turns) SetVersion(streamID string, version int64) { t.versions[streamID] = version }

// Version returns the version of a stream's row, with the records that were taken.
func (t Turns) Version(streamID string) int64 { return t.versions[streamID] }

// Take returns the records that are next in their streams, in order. Its error is a *GapError or a *RecordError.
func (t Turns) Take(batch []Record) ([]*Record, error) {
	taken := make([]*Record, 0, len(batch))
	for i := range batch {
		r := &batch[i]
		switch version := t.versions[r.StreamID]; {
		case r.Version <= version: // applied before
		case r.Version > version+1:
			t.gaps[r.StreamID] = version
		case r.undecoded != nil:
			return nil, r.Fail(r.undecoded)
		default:
			t.versions[r.StreamID] = r.Version
			taken = append(taken, r)
		}
	}
	if len(t.gaps) > 0 {
		return nil, &GapError{Streams: t.gaps}
	}
	return taken, nil
}

// Row is a row of a projection that keeps one for each stream.
type Row[R any] interface {
	*R
	// Head returns the id of the row's stream and the version that the row is at.
	Head() (streamID string, version int64)
	// Apply changes the row by what the record says. The row of a stream's first record is the zero value.
	Apply(r *Record) error
}

// Fold applies the batch to the rows of its streams and returns those that changed, sorted by stream.
func Fold[R any, P Row[R]](batch []Record, loaded []R) ([]P, error) {
	rows, turns := make(map[string]P, len(loaded)), NewTurns()
	for i := range loaded {
		streamID, version := P(&loaded[i]).Head()
		rows[streamID] = &loaded[i]
		turns.SetVersion(streamID, version)
	}
	taken, err := turns.Take(batch)
	if err != nil {
		return nil, err
	}
	changed := make(map[string]P, len(taken))
	for _, r := range taken {
		row := rows[r.StreamID]
		if row == nil {
			row = new(R)
			rows[r.StreamID] = row
		}
		if err := row.Apply(r); err != nil {
			return nil, r.Fail(err)
		}
		changed[r.StreamID] = row
	}
	return Column(slices.Sorted(maps.Keys(changed)), func(id string) P { return changed[id] }), nil
}
