package inventory

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"ticketing/command/rejection"
)

// draft is a copy of a section that can be changed, in memory that it shares with the section until it changes it.
type draft struct {
	Section

	copied    map[int]bool // rows whose seats are not shared any more, by index
	rewritten int          // seats that setRows adds, removes or moves
}

func newDraft(s *Section) *draft {
	d := &draft{Section: *s, copied: map[int]bool{}}
	d.Rows = slices.Clone(s.Rows)
	return d
}

// updateSection replaces a section. It panics if the log breaks a rule.
func (s *State) updateSection(e SectionUpdated) {
	i := s.indexOf(e.Section)
	d := newDraft(s.Sections[i])
	if _, _, err := d.setRows(slices.Concat(e.RowsChanged, e.RowsAdded)); err != nil {
		panic(fmt.Sprintf("inventory: the rows of section %q: %v", e.Section, err))
	}
	for _, label := range e.Unblocked {
		d.setStatus(d.mustFind(label, Blocked), Available)
	}
	for _, label := range e.Blocked {
		d.setStatus(d.mustFind(label, Available), Blocked)
	}
	for _, m := range e.Marked {
		d.setMark(d.mustFind(m.Label), m.marks())
	}
	d.Price, d.Capacity = e.Price, e.Capacity
	s.replaced, s.Sections[i] = s.Sections[i], &d.Section
}

func (s State) indexOf(name string) int {
	i := slices.IndexFunc(s.Sections, func(section *Section) bool { return section.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("inventory: there is no section %q", name))
	}
	return i
}

// mustFind returns the place of a seat that has one of these statuses; any, if there are none.
func (d *draft) mustFind(label string, statuses ...SeatStatus) place {
	p, ok := d.findSeat(label)
	if !ok || len(statuses) > 0 && !slices.Contains(statuses, d.statusAt(p)) {
		panic(fmt.Sprintf("inventory: seat %q of section %q is not %v", label, d.Name, statuses))
	}
	return p
}

// setRows adds rows behind the others, changes those that there are, and removes those without seats. Seats that are reserved or sold must
// stay, and so does the layout of a row unless it is given another.
func (d *draft) setRows(rows []Row) (changed, added []Row, err error) {
	removed := map[int]bool{} // rows that get other seats, by index, and whether they get none
	before := slices.Clone(d.Rows)
	for i, r := range rows {
		at, known := d.findRow(r.Name)
		switch {
		case !known && r.Seats == 0:
			return nil, nil, rejection.New(rejection.Invalid, "there is no row %q", r.Name).At("rows", strconv.Itoa(i), "row")
		case !known:
			d.Rows = append(d.Rows, newRow(r))
			d.Capacity += r.Seats
			added = append(added, r)
		case d.Rows[at].hasSeats(r) && d.Rows[at].hasLayout(r):
		default:
			r.Name = d.Rows[at].Name
			if r.Layout == nil && r.Seats > 0 {
				r.Layout = d.Rows[at].Layout
			}
			if !d.Rows[at].hasSeats(r) {
				removed[at] = r.Seats == 0
			}
			if label := d.changeRow(at, r); label != "" {
				return nil, nil, rejection.New(rejection.Invalid, "seat %s is reserved or sold and must stay", label).At("rows", strconv.Itoa(i), "seats")
			}
			changed = append(changed, r)
		}
	}
	if len(changed)+len(added) == 0 {
		return nil, nil, nil
	}
	d.rewritten = d.countRewritten(before, removed)
	kept := d.Rows[:0]
	for i, row := range d.Rows {
		if !removed[i] {
			kept = append(kept, row)
		}
	}
	if d.Rows = kept; len(kept) == 0 || len(kept) > MostRows {
		return nil, nil, rejection.New(rejection.Invalid, "a section has 1 to %d rows", MostRows).At("rows")
	}
	d.copied = map[int]bool{} // their indexes have changed
	d.indexNames()
	return changed, added, nil
}

// countRewritten returns how many seats have to be written anew: those that are new or gone, and those of rows that get other seats or move.
func (d *draft) countRewritten(before []SeatRow, removed map[int]bool) (seats int) {
	was, is := 0, 0 // seats of the rows before this one
	for i, row := range d.Rows {
		length := 0
		if i < len(before) {
			length = len(before[i].Seats)
		}
		if _, changes := removed[i]; changes || was != is || length == 0 {
			seats += max(length, len(row.Seats))
		}
		was += length
		is += len(row.Seats)
	}
	return seats
}

// hasSeats reports whether the row has these seats already.
func (r SeatRow) hasSeats(as Row) bool {
	return len(r.Seats) == as.Seats && reflect.DeepEqual(r.Numbering, as.Numbering)
}

// hasLayout reports whether the row is where it shall be already: anywhere, if there is no layout.
func (r SeatRow) hasLayout(as Row) bool {
	return as.Layout == nil || r.Layout != nil && *r.Layout == *as.Layout
}

// changeRow gives a row other seats. Those with the same labels stay what they are. It returns the label of a seat that would get lost although it
// is reserved or sold; "" if there is none.
func (d *draft) changeRow(at int, as Row) (lost string) {
	before, after := d.Rows[at], newRow(as)
	for i, status := range before.Seats {
		marks := before.marksAt(i)
		if status == Available && marks == 0 {
			continue
		}
		to, stays := after.findNumber(before.numberAt(i), as.Seats)
		switch {
		case stays:
			after.Seats[to] = status
			setMarks(&after, to, marks)
		case status == Blocked:
			d.Blocked--
		case status != Available:
			return before.Label(i)
		}
	}
	after.longest = longestRun(after.Seats)
	d.Capacity += as.Seats - len(before.Seats)
	d.Rows[at] = after
	return ""
}

// ownRow returns a row that the draft does not share.
func (d *draft) ownRow(i int) *SeatRow {
	row := &d.Rows[i]
	if !d.copied[i] {
		row.Seats, row.Marks = slices.Clone(row.Seats), slices.Clone(row.Marks)
		d.copied[i] = true
	}
	return row
}

func (d *draft) setStatus(p place, to SeatStatus) {
	row := d.ownRow(p.row)
	d.addCount(row.Seats[p.seat], -1)
	d.addCount(to, 1)
	row.Seats[p.seat] = to
	row.longest = longestRun(row.Seats)
}

func (d *draft) setMark(p place, marks Mark) { setMarks(d.ownRow(p.row), p.seat, marks) }

// MarksAt returns the marks of a seat, by the indexes of its row and of its place in it.
func (s *Section) MarksAt(row, seat int) Mark { return s.Rows[row].marksAt(seat) }

func (r SeatRow) marksAt(i int) Mark {
	if r.Marks == nil {
		return 0
	}
	return r.Marks[i]
}

func setMarks(r *SeatRow, i int, marks Mark) {
	if r.Marks == nil && marks != 0 {
		r.Marks = make([]Mark, len(r.Seats))
	}
	if r.Marks != nil {
		r.Marks[i] = marks
	}
	if !slices.ContainsFunc(r.Marks, func(m Mark) bool { return m != 0 }) {
		r.Marks = nil
	}
}

func (m SeatMarks) marks() (marks Mark) {
	if m.Accessible {
		marks |= Accessible
	}
	if m.RestrictedView {
		marks |= RestrictedView
	}
	return marks
}
