package graph

import (
	"sync"
	"time"

	"ticketing/command/inventory"
	"ticketing/graph/model"
	"ticketing/query"
)

const (
	// mostVersions and mostSeatsKept bound what is kept of an event for who reads slowly: about a megabyte.
	mostVersions  = 1_000
	mostSeatsKept = 10_000
	// mostSeatsSent bounds the seats of a message: more are about as long as the seat map of an arena.
	mostSeatsSent = 2_000
)

// seatHistory is what changed in the newest versions of an event's inventory.
type seatHistory struct {
	eventID  string
	watchers int // guarded by the seatLog

	reading  chan struct{} // holds a token while versions are read
	failing  time.Time     // since when that fails; zero: it does not. It is guarded by the token.
	mu       sync.Mutex
	after    int64 // the version before the first
	versions []seatVersion
	kept     int  // seats of all versions
	full     bool // no versions are added before the first
}

// seatVersion is what one version of the inventory changed.
type seatVersion struct {
	names  []query.SeatName
	seats  []*query.Seat // as they were when they were read: at this version or a later one
	reload []string      // names of sections
}

// changesOf returns what a domain event changes. Seats that it adds or removes are not named: their section is to be read again.
func changesOf(domainEvent any) (v seatVersion) {
	switch e := domainEvent.(type) {
	case inventory.InventoryAdded:
		if len(e.Rows) > 0 {
			v.reload = []string{e.Section}
		}
	case inventory.SectionUpdated:
		if len(e.RowsChanged)+len(e.RowsAdded) > 0 {
			return seatVersion{reload: []string{e.Section}}
		}
		v.addNames(e.Section, e.Blocked)
		v.addNames(e.Section, e.Unblocked)
		for _, seat := range e.Marked {
			v.addNames(e.Section, []string{seat.Label})
		}
	case inventory.SeatsReserved:
		v.addItems(e.Items)
	case inventory.SeatsConfirmed:
		v.addItems(e.Items)
	case inventory.SeatsReleased:
		v.addItems(e.Items)
	}
	return v
}

func (v *seatVersion) addItems(items []inventory.Item) {
	for _, item := range items {
		v.addNames(item.Section, item.Labels)
	}
}

func (v *seatVersion) addNames(section string, labels []string) {
	for _, label := range labels {
		v.names = append(v.names, query.SeatName{Section: section, Label: label})
	}
}

// withoutSeats has the sections of the seats read again.
func (v *seatVersion) withoutSeats() seatVersion {
	sections := map[string]bool{}
	for _, name := range v.names {
		if !sections[name.Section] {
			sections[name.Section] = true
			v.reload = append(v.reload, name.Section)
		}
	}
	return seatVersion{reload: v.reload}
}

// addSeats adds those that exist: one that was removed later has its section read again with that version.
func (v *seatVersion) addSeats(seats map[query.SeatName]query.Seat) {
	for _, name := range v.names {
		if seat, ok := seats[name]; ok {
			v.seats = append(v.seats, &seat)
		}
	}
}

// bounds returns the version before the first and the last one, and whether no more are added before the first.
func (h *seatHistory) bounds() (first, last int64, full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.after, h.after + int64(len(h.versions)), h.full
}

// addBefore adds older versions, or none of them if they have too many seats.
func (h *seatHistory) addBefore(versions []seatVersion) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.kept
	for _, v := range versions {
		kept += len(v.seats)
	}
	if h.full = kept > mostSeatsKept; !h.full {
		h.versions, h.after, h.kept = append(versions, h.versions...), h.after-int64(len(versions)), kept
	}
}

// failsFor reports whether reading has failed for so long, of which this is a further time.
func (h *seatHistory) failsFor(long time.Duration) bool {
	if h.failing.IsZero() {
		h.failing = time.Now()
	}
	return time.Since(h.failing) >= long
}

// restart begins anew behind a version.
func (h *seatHistory) restart(version int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.after, h.versions, h.kept, h.full = version, nil, 0, false
}

// add adds versions, and forgets the oldest of too many.
func (h *seatHistory) add(versions []seatVersion) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.versions = append(h.versions, versions...)
	for _, v := range versions {
		h.kept += len(v.seats)
	}
	forgotten := 0
	for len(h.versions)-forgotten > mostVersions || h.kept > mostSeatsKept {
		h.kept -= len(h.versions[forgotten].seats)
		forgotten++
	}
	if forgotten > 0 {
		h.full = true
		h.versions, h.after = append([]seatVersion(nil), h.versions[forgotten:]...), h.after+int64(forgotten)
	}
}

// changesBetween returns what changed after a version, until now, which the history has reached.
func (h *seatHistory) changesBetween(after int64, now *query.Inventory) *model.SeatChanges {
	h.mu.Lock()
	defer h.mu.Unlock()
	message := newSeatChanges(now.Version)
	forgotten := after < h.after
	var all mergedVersions
	if !forgotten {
		all = mergeVersions(h.versions[after-h.after : now.Version-h.after])
	}
	for _, section := range now.Sections {
		if all.reload[section.Name] || forgotten && section.Seated {
			message.Reload = append(message.Reload, section.Name)
		}
	}
	for _, name := range all.names {
		if !all.reload[name.Section] {
			message.Changes = append(message.Changes, all.newest[name])
		}
	}
	return message
}

// mergedVersions is what several versions changed.
type mergedVersions struct {
	names  []query.SeatName // each once
	newest map[query.SeatName]*query.Seat
	reload map[string]bool // sections by name
}

func mergeVersions(versions []seatVersion) mergedVersions {
	all := mergedVersions{newest: map[query.SeatName]*query.Seat{}, reload: map[string]bool{}}
	for _, v := range versions {
		for _, seat := range v.seats {
			name := query.SeatName{Section: seat.Section, Label: seat.Label}
			if all.newest[name] == nil {
				all.names = append(all.names, name)
			}
			all.newest[name] = seat
		}
		for _, section := range v.reload {
			all.reload[section] = true
		}
	}
	if len(all.names) > mostSeatsSent {
		for _, name := range all.names {
			all.reload[name.Section] = true
		}
	}
	return all
}
