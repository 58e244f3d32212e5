package inventory

import (
	"encoding/binary"
	"errors"
	"slices"

	"ticketing/internal/money"
)

// errSnapshot says that bytes are no snapshot of this version.
var errSnapshot = errors.New("inventory: not a snapshot")

// AppendBinary appends the state as a snapshot. A sold-out stadium has hundreds of thousands of holdings, which JSON takes several times as
// long to write and to read. Whoever changes the format changes the version of inventory's snapshots (package command).
func (s State) AppendBinary(data []byte) ([]byte, error) {
	const perHolding = 64
	w := snapshotWriter{data: slices.Grow(data, perHolding*len(s.Holdings)), known: make(map[string]uint64, len(s.Tickets))}
	w.value(len(s.Sections))
	for _, section := range s.Sections {
		w.section(section)
	}
	if w.flag(s.Holdings != nil); s.Holdings == nil {
		return w.data, nil
	}
	w.value(len(s.Holdings))
	for id, h := range s.Holdings {
		w.text(id)
		w.name(h.CustomerID)
		w.flag(h.Sold)
		w.items(h.Items)
	}
	w.value(len(s.Tickets))
	for customer, n := range s.Tickets {
		w.name(customer)
		w.value(n)
	}
	return w.data, nil
}

// UnmarshalBinary reads what AppendBinary wrote.
func (s *State) UnmarshalBinary(data []byte) error {
	r := snapshotReader{data: string(data)}
	var read State
	for range r.count() {
		read.Sections = append(read.Sections, r.section())
	}
	if r.flag() {
		n := r.count()
		read.Holdings = make(map[string]Holding, n)
		for range n {
			id := r.text()
			read.Holdings[id] = Holding{CustomerID: r.name(), Sold: r.flag(), Items: r.items()}
		}
		n = r.count()
		read.Tickets = make(map[string]int, n)
		for range n {
			customer := r.name()
			read.Tickets[customer] = r.value()
		}
	}
	if r.failed || len(r.data) > 0 {
		return errSnapshot
	}
	*s = read
	return nil
}

// snapshotWriter writes numbers as varints (none is negative), texts behind their length, and names, which come again and again, once.
type snapshotWriter struct {
	data  []byte
	known map[string]uint64
}

func (w *snapshotWriter) value(n int) { w.data = binary.AppendUvarint(w.data, uint64(n)) } //nolint:gosec // never negative

func (w *snapshotWriter) flag(on bool) {
	n := 0
	if on {
		n = 1
	}
	w.value(n)
}

func (w *snapshotWriter) text(s string) {
	w.value(len(s))
	w.data = append(w.data, s...)
}

func (w *snapshotWriter) name(s string) {
	at, known := w.known[s]
	if !known {
		at = uint64(len(w.known))
		w.known[s] = at
	}
	w.data = binary.AppendUvarint(w.data, at)
	if !known {
		w.text(s)
	}
}

func (w *snapshotWriter) section(s *Section) {
	w.name(s.Name)
	w.value(int(s.Price.Minor))
	w.text(s.Price.Currency)
	w.value(s.Capacity)
	w.value(s.Reserved)
	w.value(s.Sold)
	w.value(len(s.Rows))
	for _, row := range s.Rows {
		w.text(row.Name)
		w.value(len(row.Seats))
		for _, seat := range row.Seats {
			w.data = append(w.data, byte(seat))
		}
	}
}

func (w *snapshotWriter) items(items []Item) {
	w.value(len(items))
	for _, item := range items {
		w.name(item.Section)
		w.value(item.Quantity)
		w.value(len(item.Labels))
		for _, label := range item.Labels {
			w.text(label)
		}
	}
}

// snapshotReader answers zero values once it has failed. Its texts are parts of the snapshot, which makes none of them a copy.
type snapshotReader struct {
	data   string
	known  []string
	failed bool
}

func (r *snapshotReader) fail() { r.failed, r.data = true, "" }

func (r *snapshotReader) take(n int) string {
	if n > len(r.data) {
		r.fail()
		return ""
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *snapshotReader) value() int {
	var n uint64
	for i := range min(len(r.data), binary.MaxVarintLen64) {
		n |= uint64(r.data[i]&0x7f) << (7 * i)
		if r.data[i] < 0x80 {
			r.data = r.data[i+1:]
			return int(n) //nolint:gosec // what the writer wrote was an int
		}
	}
	r.fail()
	return 0
}

// count reads how many follow, of what takes a byte at least each.
func (r *snapshotReader) count() int {
	n := r.value()
	if n < 0 || n > len(r.data) {
		r.fail()
		return 0
	}
	return n
}

func (r *snapshotReader) flag() bool   { return r.value() == 1 }
func (r *snapshotReader) text() string { return r.take(r.count()) }

func (r *snapshotReader) name() string {
	at := r.value()
	switch {
	case at == len(r.known) && !r.failed:
		r.known = append(r.known, r.text())
	case at < 0 || at >= len(r.known):
		r.fail()
		return ""
	}
	return r.known[at]
}

func (r *snapshotReader) section() *Section {
	s := &Section{
		Name: r.name(), Price: money.Money{Minor: int64(r.value()), Currency: r.text()},
		Capacity: r.value(), Reserved: r.value(), Sold: r.value(), Rows: make([]SeatRow, r.count()),
	}
	for i := range s.Rows {
		row := SeatRow{Name: r.text(), Seats: make([]SeatStatus, r.count())}
		for seat, status := range []byte(r.take(len(row.Seats))) {
			row.Seats[seat] = SeatStatus(min(status, byte(Sold)))
		}
		row.longest = longestRun(row.Seats)
		s.Rows[i] = row
	}
	return s
}

func (r *snapshotReader) items() []Item {
	items := make([]Item, r.count())
	for i := range items {
		items[i] = Item{Section: r.name(), Quantity: r.value()}
		if n := r.count(); n > 0 {
			items[i].Labels = make([]string, n)
		}
		for label := range items[i].Labels {
			items[i].Labels[label] = r.text()
		}
	}
	return items
}
