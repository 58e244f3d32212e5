package inventory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// check compares the whole state with the model, with the state made from the log, and with the one read from a snapshot.
func (m *model) check() {
	hall, pit := m.state.Section("Stalls"), m.state.Section("Pit")
	m.checkCounts(hall, len(m.holder), m.soldSeats())
	m.checkCounts(pit, m.standingNow(), m.soldStanding())
	for _, row := range hall.Rows {
		require.Equal(m.t, longestRun(row.Seats), row.longest)
		for i, status := range row.Seats {
			require.Equal(m.t, m.status(fmt.Sprintf("%s-%d", row.Name, i+1)), status, "%s-%d", row.Name, i+1)
		}
	}
	for _, customer := range []string{alice, bob} {
		require.Equal(m.t, m.ticketsOf(customer), m.state.Tickets[customer])
	}
	for id, h := range m.state.Holdings {
		require.True(m.t, m.holds(id))
		require.Equal(m.t, m.sold[id], h.Sold)
		require.Equal(m.t, m.customer[id], h.CustomerID)
	}
	require.Equal(m.t, plain(Given(m.t, m.history...).State()), plain(m.state), "the log makes another state")
	require.Equal(m.t, plain(m.state), throughSnapshot(m.t, m.state))
	m.checkRevert()
}

// plain returns the state without what only Revert needs.
func plain(s State) State {
	s.replaced = nil
	return s
}

// checkRevert takes the last domain event back and applies it again.
func (m *model) checkRevert() {
	last := len(m.history) - 1
	if _, updated := m.history[last].(SectionUpdated); updated && m.state.replaced == nil {
		return // the state was read from a snapshot since
	}
	before := Given(m.t, m.history[:last]...).State()
	m.state = Revert(m.state, m.history[last])
	if before.Holdings == nil && m.state.Holdings != nil {
		before.Holdings, before.Tickets, before.unpaid = map[string]Holding{}, map[string]int{}, map[string]map[string]bool{}
	}
	require.Equal(m.t, plain(before), plain(m.state), "after taking back %#v", m.history[last])
	m.state = Evolve(m.state, m.history[last])
}

func (m *model) checkCounts(s *Section, held, sold int) {
	require.Equal(m.t, sold, s.Sold)
	require.Equal(m.t, held-sold, s.Reserved)
	require.Equal(m.t, s.Capacity, s.Available()+s.Reserved+s.Sold+s.Blocked)
	require.GreaterOrEqual(m.t, s.Available(), 0)
}

func (m *model) status(label string) SeatStatus {
	switch id := m.holder[label]; {
	case m.blocked[label]:
		return Blocked
	case id == "":
		return Available
	case m.sold[id]:
		return Sold
	}
	return Reserved
}

func (m *model) soldSeats() (n int) {
	for _, id := range m.holder {
		if m.sold[id] {
			n++
		}
	}
	return n
}

func (m *model) soldStanding() (n int) {
	for id, standing := range m.standing {
		if m.sold[id] {
			n += standing
		}
	}
	return n
}

func (m *model) standingNow() (n int) {
	for _, standing := range m.standing {
		n += standing
	}
	return n
}

func (m *model) ticketsOf(customer string) (n int) {
	for _, id := range m.holder {
		if m.customer[id] == customer {
			n++
		}
	}
	for id, standing := range m.standing {
		if m.customer[id] == customer {
			n += standing
		}
	}
	return n
}

func (m *model) holds(id string) bool {
	return m.standing[id] > 0 || slices.Contains(slices.Collect(maps.Values(m.holder)), id)
}

// anyReservation draws a reservation that was made, or one that never was.
func (m *model) anyReservation() string {
	return rapid.SampledFrom(append(slices.Sorted(maps.Keys(m.customer)), "rsv_never")).Draw(m.t, "reservation")
}

func wanted(c Reserve) (n int) {
	for _, item := range c.Items {
		if item.Quantity != nil {
			n += *item.Quantity
		}
		n += len(item.Labels)
	}
	return n
}

func labelsOf(items []ReserveItem) (labels []string) {
	for _, item := range items {
		labels = append(labels, item.Labels...)
	}
	return labels
}

func allLabels(items []Item) (labels []string) {
	for _, item := range items {
		labels = append(labels, item.Labels...)
	}
	return labels
}
