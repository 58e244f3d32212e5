package inventory

import "ticketing/command/rejection"

// pick is what one reservation takes of one section, while it is being decided: the state itself must not change.
type pick struct {
	section *Section
	seats   []place
	unseen  int // tickets without a seat: general admission
}

// name takes the seat that label names.
func (p *pick) name(label string) *rejection.Error {
	at, ok := p.section.find(label)
	switch {
	case !ok:
		return rejection.New(rejection.NotFound, "section %q has no seat %q", p.section.Name, label)
	case p.has(at):
		return rejection.New(rejection.Invalid, "seat %s is there twice", label)
	case p.section.at(at) != Available:
		return rejection.New(rejection.SeatUnavailable, "seat %s is taken", label)
	}
	p.seats = append(p.seats, at)
	return nil
}

// best takes n tickets. Seats are chosen, in this order of importance: in as few groups of neighbours as can be (one, if there is
// a run that long), leaving as few single seats behind as can be, in the best row (the one that was added first), at the lowest
// numbers. A wish that fits no run is split greedily, the longest run first: the fewest groups, at the price of at most one single seat
// that another split would have spared.
func (p *pick) best(n int) *rejection.Error {
	if left := p.section.Available() - len(p.seats) - p.unseen; n > left {
		if left == 0 {
			return rejection.New(rejection.InsufficientInventory, "section %q is sold out", p.section.Name)
		}
		return rejection.New(rejection.InsufficientInventory, "section %q has only %d left", p.section.Name, left)
	}
	if !p.section.Seated() {
		p.unseen += n
		return nil
	}
	for n > 0 {
		r, size := p.bestRun(n)
		for i := range size {
			p.seats = append(p.seats, place{row: r.row, seat: r.seat + i})
		}
		n -= size
	}
	return nil
}

// bestRun answers where to seat n neighbours, or the longest run there is when none is that long.
func (p *pick) bestRun(n int) (start place, size int) {
	longest, withOrphan := run{}, run{}
	for i := range p.section.Rows {
		if cached := p.section.Rows[i].longest; cached < n && cached <= longest.size {
			continue
		}
		for r := range p.runs(i) {
			if r.size > longest.size {
				longest = r
			}
			switch {
			case r.size == n || r.size > n+1: // from the low end, so that what stays, stays together
				return r.place, n
			case r.size == n+1 && withOrphan.size == 0:
				withOrphan = r
			}
		}
	}
	if withOrphan.size > 0 {
		return withOrphan.place, n
	}
	return longest.place, longest.size
}

// run is a maximal group of free neighbours.
type run struct {
	place
	size int
}

// runs yields the groups of free neighbours of a row, from the lowest number.
func (p *pick) runs(row int) func(yield func(run) bool) {
	return func(yield func(run) bool) {
		seats := p.section.Rows[row].Seats
		for i := 0; i < len(seats); i++ {
			start := i
			for i < len(seats) && seats[i] == Available && !p.has(place{row, i}) {
				i++
			}
			if i > start && !yield(run{place: place{row, start}, size: i - start}) {
				return
			}
		}
	}
}

func (p *pick) has(at place) bool {
	for _, seat := range p.seats {
		if seat == at {
			return true
		}
	}
	return false
}

func (p *pick) item() Item {
	item := Item{Section: p.section.Name, Quantity: len(p.seats) + p.unseen}
	for _, at := range p.seats {
		item.Labels = append(item.Labels, p.section.label(at))
	}
	return item
}
