package inventory

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/rejection"
	"ticketing/command/scenario"
)

const (
	mostPerReservation = 4
	mostPerCustomer    = 5
)

// model is the plainest account of which reservation has which seats, and how many tickets of the pit.
type model struct {
	t        *rapid.T
	state    State
	history  []DomainEvent
	holder   map[string]string // label → reservation
	standing map[string]int    // reservation → tickets of the pit
	customer map[string]string // reservation → customer, also of those that ended
	sold     map[string]bool
	ended    map[string][]Item // what reservations held that were released
	blocked  map[string]bool   // labels
}

// The state is read back from a snapshot now and then.
func TestInventoryAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			t: t, holder: map[string]string{}, standing: map[string]int{}, customer: map[string]string{}, sold: map[string]bool{},
			ended: map[string][]Item{}, blocked: map[string]bool{},
		}
		m.evolve(stalls, pit)
		t.Repeat(map[string]func(*rapid.T){
			"":         func(*rapid.T) { m.check() },
			"reserve":  func(*rapid.T) { m.reserve() },
			"confirm":  func(*rapid.T) { m.confirm() },
			"release":  func(*rapid.T) { m.release() },
			"retake":   func(*rapid.T) { m.retake() },
			"update":   func(*rapid.T) { m.update() },
			"snapshot": func(*rapid.T) { m.state = throughSnapshot(m.t, m.state) },
		})
	})
}

// decide also checks that Decide does not change the state.
func (m *model) decide(c Command) ([]DomainEvent, *rejection.Error) {
	before := throughSnapshot(m.t, m.state)
	decided, err := Decide(m.state, c, scenario.Now)
	require.Equal(m.t, before, plain(m.state), "%+v changed the state", c)
	if err == nil {
		return decided, nil
	}
	r, ok := rejection.As(err)
	require.True(m.t, ok, "%v is no rejection", err)
	return nil, r
}

func (m *model) evolve(decided ...DomainEvent) {
	for _, e := range decided {
		m.state = Evolve(m.state, e)
		m.history = append(m.history, e)
	}
}

func (m *model) reserve() {
	c := m.drawReserve()
	code, accepted := m.expect(c)
	decided, refused := m.decide(c)
	if !accepted {
		require.NotNil(m.t, refused, "%+v", c)
		require.Equal(m.t, code, refused.Code, "%+v", c)
		return
	}
	require.Nil(m.t, refused, "%+v", c)
	m.evolve(decided...)
	reserved := decided[0].(SeatsReserved)
	require.Equal(m.t, wanted(c), countTickets(reserved.Items))
	for _, label := range labelsOf(c.Items) {
		require.Contains(m.t, allLabels(reserved.Items), label, "the seat was named and is not reserved")
	}
	m.customer[c.ReservationID] = c.CustomerID
	m.recordHolder(c.ReservationID, reserved.Items)
}

// drawReserve draws a reservation that is often possible and often not.
func (m *model) drawReserve() Reserve {
	item := rapid.Custom(func(t *rapid.T) ReserveItem {
		if rapid.Bool().Draw(t, "named") {
			labels := []string{"A-1", "A-2", "A-3", "A-4", "B-1", "B-2", "B-3"}
			return named(rapid.SliceOfN(rapid.SampledFrom(labels), 1, 3).Draw(t, "labels")...)
		}
		return best(rapid.SampledFrom([]string{"Stalls", "Pit"}).Draw(t, "section"), rapid.IntRange(1, mostPerReservation).Draw(t, "n"))
	})
	return Reserve{
		ReservationID: fmt.Sprint("rsv_", len(m.history)), CustomerID: m.anyCustomer(),
		Items:             rapid.SliceOfN(item, 1, 3).Draw(m.t, "items"),
		MaxPerReservation: mostPerReservation, MaxPerCustomer: new(mostPerCustomer),
	}
}

func (m *model) anyCustomer() string {
	return rapid.SampledFrom([]string{alice, bob}).Draw(m.t, "customer")
}

// expect applies the rules to a reservation, in the plainest way.
func (m *model) expect(c Reserve) (rejection.Code, bool) {
	labels := labelsOf(c.Items)
	var seated, standing int
	for _, item := range c.Items {
		if item.Quantity != nil && item.Section == "Pit" {
			standing += *item.Quantity
		} else if item.Quantity != nil {
			seated += *item.Quantity
		}
	}
	switch n := wanted(c); {
	case n > mostPerReservation, m.ticketsOf(c.CustomerID)+n > mostPerCustomer:
		return rejection.LimitExceeded, false
	}
	for i, label := range labels {
		if slices.Contains(labels[:i], label) {
			return rejection.Invalid, false
		}
		if m.holder[label] != "" || m.blocked[label] {
			return rejection.SeatUnavailable, false
		}
	}
	if len(m.holder)+len(m.blocked)+len(labels)+seated > 7 || m.standingNow()+standing > 5 {
		return rejection.InsufficientInventory, false
	}
	return "", true
}

// update blocks and unblocks seats, and changes the price.
func (m *model) update() {
	labels := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A-1", "A-2", "A-3", "A-4", "B-1", "B-2", "B-3"}), 1, 3, rapid.ID).Draw(m.t, "blocked")
	c := Update{Section: "Stalls", Price: new(eur(rapid.Int64Range(1, 9).Draw(m.t, "price")))}
	block := rapid.Bool().Draw(m.t, "block")
	if c.Unblock = labels; block {
		c.Block, c.Unblock = labels, nil
	}
	decided, refused := m.decide(c)
	if block && slices.ContainsFunc(labels, func(label string) bool { return m.holder[label] != "" }) {
		require.Equal(m.t, rejection.SeatUnavailable, refused.Code)
		return
	}
	require.Nil(m.t, refused)
	m.evolve(decided...)
	for _, label := range labels {
		if delete(m.blocked, label); block {
			m.blocked[label] = true
		}
	}
}

func (m *model) confirm() {
	id := m.anyReservation()
	decided, refused := m.decide(Confirm{ReservationID: id})
	switch {
	case !m.holds(id):
		require.Equal(m.t, rejection.InvalidState, refused.Code)
	case m.sold[id]:
		require.Empty(m.t, decided)
	default:
		require.Len(m.t, decided, 1)
		m.evolve(decided...)
		m.sold[id] = true
	}
}

func (m *model) release() {
	id := m.anyReservation()
	decided, refused := m.decide(Release{ReservationID: id})
	require.Nil(m.t, refused)
	if !m.holds(id) {
		require.Empty(m.t, decided)
		return
	}
	m.evolve(decided...)
	m.ended[id] = decided[0].(SeatsReleased).Items
	maps.DeleteFunc(m.holder, func(_, by string) bool { return by == id })
	delete(m.standing, id)
	delete(m.sold, id)
}

// retake pays for seats that were released.
func (m *model) retake() {
	if len(m.ended) == 0 {
		m.t.Skip("nothing was released yet")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.ended))).Draw(m.t, "ended")
	items := m.ended[id]
	decided, refused := m.decide(Confirm{ReservationID: id, Retake: &Retake{CustomerID: m.customer[id], Items: items}})
	free := true
	for _, item := range items {
		free = free && (item.Section != "Pit" || m.standingNow()+item.Quantity <= 5)
		for _, label := range item.Labels {
			free = free && m.holder[label] == "" && !m.blocked[label]
		}
	}
	if !free {
		require.Contains(m.t, []rejection.Code{rejection.SeatUnavailable, rejection.InsufficientInventory}, refused.Code)
		return
	}
	require.Nil(m.t, refused)
	m.evolve(decided...)
	m.recordHolder(id, items)
	m.sold[id] = true
	delete(m.ended, id)
}

func (m *model) recordHolder(id string, items []Item) {
	for _, item := range items {
		if item.Section == "Pit" {
			m.standing[id] += item.Quantity
		}
		for _, label := range item.Labels {
			require.Empty(m.t, m.holder[label], "%s has two holders", label)
			m.holder[label] = id
		}
	}
}
