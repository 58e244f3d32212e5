package projector

import (
	"cmp"
	"fmt"
	"slices"
)

// turns decides which records are next in their streams.
type turns struct {
	versions map[string]int64 // of the row, by stream
	gaps     map[string]int64
}

func newTurns() turns { return turns{versions: map[string]int64{}, gaps: map[string]int64{}} }

// take says whether it is the record's turn, and moves the stream's version when it is.
func (t turns) take(r *Record) (bool, error) {
	at := t.versions[r.StreamID]
	switch {
	case r.Version <= at: // seen already
		return false, nil
	case r.Version > at+1:
		t.gaps[r.StreamID] = at
		return false, nil
	case r.broken != nil:
		return false, r.fail(r.broken)
	}
	t.versions[r.StreamID] = r.Version
	return true, nil
}

func (t turns) gap() error {
	if len(t.gaps) == 0 {
		return nil
	}
	return &GapError{Streams: t.gaps}
}

// subjects answers the distinct subjects of the batch, sorted: rows are locked in one order everywhere.
func subjects(batch []Record) []string {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].subject()
	}
	return distinct(ids)
}

// distinct sorts ids and takes out those that repeat.
func distinct(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// row is what a projection that keeps one row a stream has to say about it.
type row[R any] interface {
	*R
	key() (id string, version int64)
	// evolve changes the row by what r says; the row of a stream's first record is the zero value.
	evolve(r *Record) error
}

// fold applies the batch to the rows of its streams and answers the changed ones, sorted by id.
func fold[R any, P row[R]](batch []Record, loaded []R) ([]P, error) {
	rows := make(map[string]P, len(loaded))
	turns := newTurns()
	streams := map[string]string{} // stream by id
	for i := range batch {
		streams[batch[i].subject()] = batch[i].StreamID
	}
	for i := range loaded {
		id, version := P(&loaded[i]).key()
		rows[id] = &loaded[i]
		turns.versions[streams[id]] = version
	}
	changed := map[string]P{}
	for i := range batch {
		r := &batch[i]
		if mine, err := turns.take(r); err != nil || !mine {
			if err != nil {
				return nil, err
			}
			continue
		}
		id := r.subject()
		if rows[id] == nil {
			rows[id] = new(R)
		}
		if err := rows[id].evolve(r); err != nil {
			return nil, r.fail(err)
		}
		changed[id] = rows[id]
	}
	return sortedRows(changed), turns.gap()
}

func sortedRows[R any, P row[R]](rows map[string]P) []P {
	sorted := make([]P, 0, len(rows))
	for _, r := range rows {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(a, b P) int {
		left, _ := a.key()
		right, _ := b.key()
		return cmp.Compare(left, right)
	})
	return sorted
}

// errOrder says that a domain event stands where its stream can't have it.
func errOrder(r *Record) error {
	return fmt.Errorf("%s can't be version %d of its stream", r.Type, r.Version)
}

// column collects one column of rows, as the batch statements take them.
func column[Row, T any](rows []Row, f func(Row) T) []T {
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = f(r)
	}
	return values
}
