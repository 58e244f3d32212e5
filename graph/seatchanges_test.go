package graph

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/query"
)

// addChanges adds a version for each status of a seat.
func addChanges(h *seatHistory, label string, statuses ...string) {
	for _, status := range statuses {
		h.add([]seatVersion{{seats: []*query.Seat{{Section: "Box", Label: label, Status: status}}}})
	}
}

func inventoryAt(version int64) *query.Inventory {
	return &query.Inventory{Version: version, Sections: []query.Section{{Name: "Floor"}, {Name: "Box", Seated: true}, {Name: "Stalls", Seated: true}}}
}

func TestASlowReaderGetsEachSeatOnceAsItIs(t *testing.T) {
	t.Parallel()
	h := &seatHistory{after: 4}
	addChanges(h, "A-1", "RESERVED", "SOLD", "AVAILABLE")
	addChanges(h, "A-2", "RESERVED")
	h.add([]seatVersion{{reload: []string{"Stalls"}}})
	got := h.changesBetween(5, inventoryAt(9))
	require.Equal(t, 9, got.Version)
	require.Equal(t, []*query.Seat{{Section: "Box", Label: "A-1", Status: "AVAILABLE"}, {Section: "Box", Label: "A-2", Status: "RESERVED"}}, got.Changes)
	require.Equal(t, []string{"Stalls"}, got.Reload)
}

func TestWhoIsTooFarBehindReadsAllAgain(t *testing.T) {
	t.Parallel()
	h := &seatHistory{}
	for i := range mostVersions {
		addChanges(h, fmt.Sprint("A-", i%10), "SOLD")
	}
	require.Len(t, h.changesBetween(0, inventoryAt(mostVersions)).Changes, 10)
	addChanges(h, "A-1", "AVAILABLE")
	got := h.changesBetween(0, inventoryAt(mostVersions+1))
	require.Empty(t, got.Changes)
	require.Equal(t, []string{"Box", "Stalls"}, got.Reload)

	for range mostSeatsKept / 500 {
		h.add([]seatVersion{{seats: make([]*query.Seat, 600)}})
	}
	require.LessOrEqual(t, h.kept, mostSeatsKept)
}

func TestTheHistoryOfSeatsReachesBackAsFarAsItMayGrow(t *testing.T) {
	t.Parallel()
	h := &seatHistory{after: 10}
	addChanges(h, "A-1", "SOLD")
	h.addBefore([]seatVersion{{seats: []*query.Seat{{Section: "Box", Label: "A-2"}}}, {}})
	require.Len(t, h.changesBetween(8, inventoryAt(11)).Changes, 2)
	require.Len(t, h.changesBetween(9, inventoryAt(11)).Changes, 1)
	h.addBefore([]seatVersion{{seats: make([]*query.Seat, mostSeatsKept)}})
	first, last, full := h.bounds()
	require.Equal(t, []any{int64(8), int64(11), true}, []any{first, last, full}, "it is not read back again")
	require.Equal(t, []string{"Box", "Stalls"}, h.changesBetween(7, inventoryAt(11)).Reload)
}

func TestManySeatsAreNotListed(t *testing.T) {
	t.Parallel()
	h := &seatHistory{}
	all := seatVersion{}
	for i := range mostSeatsSent + 1 {
		all.seats = append(all.seats, &query.Seat{Section: "Box", Label: fmt.Sprint("A-", i)})
	}
	h.add([]seatVersion{all})
	got := h.changesBetween(0, inventoryAt(1))
	require.Empty(t, got.Changes)
	require.Equal(t, []string{"Box"}, got.Reload)
}

func TestWhatADomainEventChangesOfTheSeats(t *testing.T) {
	t.Parallel()
	items := []inventory.Item{{Section: "Floor", Quantity: 2}, {Section: "Box", Quantity: 1, Labels: []string{"A-1"}}}
	one := seatVersion{names: []query.SeatName{{Section: "Box", Label: "A-1"}}}
	box := seatVersion{reload: []string{"Box"}}
	for domainEvent, want := range map[*any]seatVersion{
		new(any(inventory.SeatsReserved{Items: items})):                                                            one,
		new(any(inventory.SeatsConfirmed{Items: items})):                                                           one,
		new(any(inventory.SeatsReleased{Items: items})):                                                            one,
		new(any(inventory.SectionUpdated{Section: "Box", Blocked: []string{"A-1"}})):                               one,
		new(any(inventory.SectionUpdated{Section: "Box", Unblocked: []string{"A-1"}})):                             one,
		new(any(inventory.SectionUpdated{Section: "Box", Marked: []inventory.SeatMarks{{Label: "A-1"}}})):          one,
		new(any(inventory.SectionUpdated{Section: "Box", RowsAdded: []inventory.Row{{}}, Blocked: []string{"x"}})): box,
		new(any(inventory.SectionUpdated{Section: "Box", RowsChanged: []inventory.Row{{}}})):                       box,
		new(any(inventory.InventoryAdded{Section: "Box", Rows: []inventory.Row{{}}})):                              box,
		new(any(inventory.InventoryAdded{Section: "Floor", Capacity: 3})):                                          {},
	} {
		require.Equal(t, want, changesOf(*domainEvent), "%T", *domainEvent)
	}
	require.Equal(t, box, one.withoutSeats())
}

// An outage of the log is waited out for a while only: who watches an event sees no change meanwhile.
func TestALogThatCannotBeReadHoldsUpNoChangesForGood(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/none")
	require.NoError(t, err)
	defer pool.Close()
	l := newSeatLog(eventstore.Reader{DB: pool}, nil, newMetrics(nil).seatsSkipped, slog.New(slog.DiscardHandler))
	h, leave := l.watchEvent("evt_1", 7)
	defer leave()
	require.Error(t, l.readUntil(t.Context(), h, 8))
	l.patience = 0
	require.NoError(t, l.readUntil(t.Context(), h, 8))
	require.Equal(t, []string{"Box", "Stalls"}, h.changesBetween(7, inventoryAt(8)).Reload)
	require.Empty(t, h.changesBetween(8, inventoryAt(8)).Reload, "it goes on from there")
	l.patience = changesPatience
	require.Error(t, l.readUntil(t.Context(), h, 9), "the next version is waited for as long")
}
