package inventory

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"ticketing/internal/money"
)

// errNoSnapshot says that bytes are not a snapshot of this version.
var errNoSnapshot = errors.New("not a snapshot of an inventory")

// AppendBinary appends the state as a snapshot. A sold-out stadium has hundreds of thousands of holdings, and JSON would take several
// times as long to write and to read. A change of the format needs a new version of inventory's snapshots, in package command.
func (s State) AppendBinary(data []byte) ([]byte, error) {
	const perHolding = 64
	w := snapshotWriter{data: slices.Grow(data, perHolding*len(s.Holdings)), known: make(map[string]uint64, len(s.Tickets))}
	w.writeInt(len(s.Sections))
	for _, section := range s.Sections {
		w.writeSection(section)
	}
	if w.writeFlag(s.Holdings != nil); s.Holdings == nil {
		return w.data, nil
	}
	w.writeInt(len(s.Holdings))
	for id, h := range s.Holdings {
		w.writeText(id)
		w.writeName(h.CustomerID)
		w.writeFlag(h.Sold)
		w.writeItems(h.Items)
	}
	w.writeInt(len(s.Tickets))
	for customer, n := range s.Tickets {
		w.writeName(customer)
		w.writeInt(n)
	}
	return w.data, nil
}

// UnmarshalBinary reads what AppendBinary wrote.
func (s *State) UnmarshalBinary(data []byte) error {
	r := snapshotReader{data: string(data)}
	var read State
	for range r.readCount() {
		read.Sections = append(read.Sections, r.readSection())
	}
	if r.readFlag() {
		n := r.readCount()
		read.Holdings, read.unpaid = make(map[string]Holding, n), map[string]map[string]bool{}
		for range n {
			id := r.readText()
			read.hold(id, Holding{CustomerID: r.readName(), Sold: r.readFlag(), Items: r.readItems()})
		}
		n = r.readCount()
		read.Tickets = make(map[string]int, n)
		for range n {
			customer := r.readName()
			read.Tickets[customer] = r.readInt()
		}
	}
	if r.failed || len(r.data) > 0 {
		return errNoSnapshot
	}
	*s = read
	return nil
}

// snapshotWriter writes numbers as varints (none is negative), texts after their length, and each name, which many holdings repeat, once.
type snapshotWriter struct {
	data  []byte
	known map[string]uint64
}

func (w *snapshotWriter) writeInt(n int) { w.data = binary.AppendUvarint(w.data, uint64(n)) } //nolint:gosec // never negative

func (w *snapshotWriter) writeFlag(on bool) {
	n := 0
	if on {
		n = 1
	}
	w.writeInt(n)
}

func (w *snapshotWriter) writeText(s string) {
	w.writeInt(len(s))
	w.data = append(w.data, s...)
}

func (w *snapshotWriter) writeTexts(texts []string) {
	w.writeInt(len(texts))
	for _, text := range texts {
		w.writeText(text)
	}
}

func (w *snapshotWriter) writeName(s string) {
	at, known := w.known[s]
	if !known {
		at = uint64(len(w.known))
		w.known[s] = at
	}
	w.data = binary.AppendUvarint(w.data, at)
	if !known {
		w.writeText(s)
	}
}

func (w *snapshotWriter) writeSection(s *Section) {
	w.writeName(s.Name)
	w.writeInt(int(s.Price.Minor))
	w.writeText(s.Price.Currency)
	w.writeInt(s.Capacity)
	w.writeInt(s.Reserved)
	w.writeInt(s.Sold)
	w.writeInt(s.Blocked)
	w.writeInt(len(s.Rows))
	for _, row := range s.Rows {
		w.writeRow(row)
	}
}

func (w *snapshotWriter) writeRow(row SeatRow) {
	w.writeText(row.Name)
	w.writeInt(row.First)
	w.writeInt(row.Step)
	w.writeTexts(row.Labels)
	if w.writeFlag(row.Layout != nil); row.Layout != nil {
		w.writeDecimal(row.Layout.X)
		w.writeDecimal(row.Layout.Y)
		w.writeDecimal(row.Layout.Rotation)
	}
	w.writeInt(len(row.Seats))
	for _, seat := range row.Seats {
		w.data = append(w.data, byte(seat))
	}
	w.writeInt(len(row.Marks))
	for _, marks := range row.Marks {
		w.data = append(w.data, byte(marks))
	}
}

// writeDecimal writes a number with two decimals.
func (w *snapshotWriter) writeDecimal(f float64) {
	w.writeFlag(f < 0)
	w.writeInt(int(math.Round(math.Abs(f) * 100)))
}

func (w *snapshotWriter) writeItems(items []Item) {
	w.writeInt(len(items))
	for _, item := range items {
		w.writeName(item.Section)
		w.writeInt(item.Quantity)
		w.writeTexts(item.Labels)
	}
}

// snapshotReader returns zero values once it has failed. The texts that it returns share the memory of the snapshot.
type snapshotReader struct {
	data   string
	known  []string
	failed bool
}

func (r *snapshotReader) fail() { r.failed, r.data = true, "" }

func (r *snapshotReader) readBytes(n int) string {
	if n > len(r.data) {
		r.fail()
		return ""
	}
	data := r.data[:n]
	r.data = r.data[n:]
	return data
}

func (r *snapshotReader) readInt() int {
	var n uint64
	for i := range min(len(r.data), binary.MaxVarintLen64) {
		n |= uint64(r.data[i]&0x7f) << (7 * i)
		if r.data[i] < 0x80 {
			r.data = r.data[i+1:]
			return int(n) //nolint:gosec // the writer wrote an int
		}
	}
	r.fail()
	return 0
}

// readCount reads the number of the elements that follow, each of which takes at least a byte.
func (r *snapshotReader) readCount() int {
	n := r.readInt()
	if n < 0 || n > len(r.data) {
		r.fail()
		return 0
	}
	return n
}

func (r *snapshotReader) readFlag() bool   { return r.readInt() == 1 }
func (r *snapshotReader) readText() string { return r.readBytes(r.readCount()) }

func (r *snapshotReader) readName() string {
	at := r.readInt()
	switch {
	case at == len(r.known) && !r.failed:
		r.known = append(r.known, r.readText())
	case at < 0 || at >= len(r.known):
		r.fail()
		return ""
	}
	return r.known[at]
}

func (r *snapshotReader) readSection() *Section {
	s := &Section{
		Name: r.readName(), Price: money.Money{Minor: int64(r.readInt()), Currency: r.readText()},
		Capacity: r.readInt(), Reserved: r.readInt(), Sold: r.readInt(), Blocked: r.readInt(), Rows: make([]SeatRow, r.readCount()),
	}
	for i := range s.Rows {
		s.Rows[i] = r.readRow()
	}
	s.indexNames()
	return s
}

func (r *snapshotReader) readRow() SeatRow {
	row := SeatRow{Name: r.readText(), Numbering: Numbering{First: r.readInt(), Step: r.readInt(), Labels: r.readTexts()}}
	if r.readFlag() {
		row.Layout = &Layout{X: r.readDecimal(), Y: r.readDecimal(), Rotation: r.readDecimal()}
	}
	row.Seats = make([]SeatStatus, r.readCount())
	for i, status := range []byte(r.readBytes(len(row.Seats))) {
		row.Seats[i] = SeatStatus(min(status, byte(Blocked)))
	}
	if n := r.readCount(); n > 0 {
		row.Marks = make([]Mark, n)
	}
	for i, marks := range []byte(r.readBytes(len(row.Marks))) {
		row.Marks[i] = Mark(marks) & allMarks
	}
	if len(row.Labels) > 0 && len(row.Labels) != len(row.Seats) || row.Marks != nil && len(row.Marks) != len(row.Seats) {
		r.fail()
		return SeatRow{}
	}
	row.longest = longestRun(row.Seats)
	return row
}

func (r *snapshotReader) readDecimal() float64 {
	negative, hundredths := r.readFlag(), r.readInt()
	if hundredths < 0 || hundredths > 100*MostCoordinate {
		r.fail()
	}
	if negative {
		hundredths = -hundredths
	}
	return float64(hundredths) / 100
}

// readTexts returns nil for no texts.
func (r *snapshotReader) readTexts() []string {
	n := r.readCount()
	if n == 0 {
		return nil
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = r.readText()
	}
	return texts
}

func (r *snapshotReader) readItems() []Item {
	items := make([]Item, r.readCount())
	for i := range items {
		items[i] = Item{Section: r.readName(), Quantity: r.readInt(), Labels: r.readTexts()}
	}
	return items
}
