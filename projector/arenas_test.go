package projector_test

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/inventory"
	"ticketing/internal/testenv"
	"ticketing/projector/availability"
	"ticketing/projector/readtest"
)

// The figures in docs/benchmarks.md are from go test ./projector -run Arenas -v -arenas 24 -arena-seats 200000.
var (
	arenas     = flag.Int("arenas", 3, "how many arenas the test adds")
	arenaSeats = flag.Int("arena-seats", 20_000, "how many numbered seats each of them has")
)

// While arenas are added, the counts of other events stay current, and in the end all seats are there.
func TestArenasDoNotDelayOtherEvents(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.projectors("availability")
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	p.eventuallyAtVersion("evt_1", 2)
	began := time.Now()
	for i := range *arenas {
		added := inventory.InventoryAdded{Section: "stalls", Price: readtest.EUR(5000), Capacity: *arenaSeats}
		for row := range *arenaSeats / 100 {
			added.Rows = append(added.Rows, inventory.Row{Name: strconv.Itoa(row), Seats: 100})
		}
		p.Append("inventory-evt_arena"+strconv.Itoa(i), added)
	}
	var slowest time.Duration
	sold := 0
	for ; sold < 90 && !p.arenasAreThere(); sold++ {
		sale := time.Now()
		p.Append("inventory-evt_1", inventory.SeatsReserved{ReservationID: "rsv_" + strconv.Itoa(sold), Items: readtest.Standing(1)})
		p.eventuallyAtVersion("evt_1", int64(3+sold))
		slowest = max(slowest, time.Since(sale))
	}
	require.Greater(t, sold, 1, "other events are not held up until the arenas are there")
	testenv.Eventually(t, testenv.Patience+time.Duration(*arenas)*time.Minute, func() (bool, string) { return p.arenasAreThere(), "arenas are missing" })
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d arenas of %d seats took %.1f s; another event's sale showed after %d ms at most (%d sales); %d MB from the system",
		*arenas, *arenaSeats, time.Since(began).Seconds(), slowest.Milliseconds(), sold, memory.Sys>>20)
	require.Empty(t, p.DeadLetters(availability.Projection{}))
}

func (p *pipeline) eventuallyAtVersion(eventID string, version int64) {
	p.T.Helper()
	testenv.Eventually(p.T, testenv.Patience, func() (bool, string) {
		at := p.Inventory(eventID).Version
		return at >= version, fmt.Sprintf("%s is at version %d", eventID, at)
	})
}

func (p *pipeline) arenasAreThere() bool {
	p.T.Helper()
	var there int
	require.NoError(p.T, p.cfg.Read.QueryRow(p.T.Context(),
		`SELECT count(*) FROM inventories WHERE event_id LIKE 'evt_arena%' AND version = 1`).Scan(&there))
	return there == *arenas
}
