package inventory

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// fragmented is an event with as many seats as there may be, in as many rows as a section may have, with no more than free neighbours
// between taken seats; and a sold-out section.
func fragmented(free int) State {
	section := InventoryAdded{Section: "Stalls", Price: eur(1), Capacity: MostSeats}
	for i := range MostRows {
		section.Rows = append(section.Rows, Row{Name: fmt.Sprintf("R%d", i), Seats: MostSeats / MostRows})
	}
	s := Evolve(State{}, section)
	s = Evolve(s, InventoryAdded{Section: "Pit", Price: eur(1), Capacity: 1})
	s.Section("Pit").Sold = 1
	stalls := s.Section("Stalls")
	for r := range stalls.Rows {
		row := &stalls.Rows[r]
		for seat := 0; seat < len(row.Seats); seat += free + 1 {
			row.Seats[seat] = Sold
			stalls.Sold++
		}
		row.longest = longestRun(row.Seats)
	}
	return s
}

// costly are the requests that cost most on a fragmented map.
func costly() map[string]Reserve {
	apart := reserve(alice)
	for range MostItems - 1 {
		apart.Items = append(apart.Items, best("Stalls", 1))
	}
	refused := reserve(alice, apart.Items...)
	refused.Items = append(refused.Items, best("Pit", 1))
	return map[string]Reserve{"refused": refused, "99 items": apart, "one item": reserve(alice, best("Stalls", 99))}
}

func BenchmarkReserveOfTheWorstMap(b *testing.B) {
	for _, free := range []int{1, 2, 7} {
		s := fragmented(free)
		for name, request := range costly() {
			b.Run(fmt.Sprintf("%d neighbours, %s", free, name), func(b *testing.B) {
				for b.Loop() {
					_, _ = Decide(s, request, time.Time{})
				}
			})
		}
	}
}

// A request is decided under the lock that all events share. The bound is far above what it takes (see the benchmark), for busy machines.
func TestNoRequestIsCostly(t *testing.T) {
	for _, free := range []int{1, 2, 7} {
		s := fragmented(free)
		for name, request := range costly() {
			fastest := time.Hour
			for range 5 {
				began := time.Now()
				_, err := Decide(s, request, time.Time{})
				fastest = min(fastest, time.Since(began))
				if name != "refused" {
					require.NoError(t, err)
					continue
				}
				rejected, _ := rejection.As(err)
				require.Equal(t, rejection.InsufficientInventory, rejected.Code)
				require.Equal(t, []string{"items", "99", "quantity"}, rejected.Field)
			}
			require.Less(t, fastest, 20*time.Millisecond, name)
		}
	}
}

func TestItemsOfASectionAreSeatedTogether(t *testing.T) {
	got := picked(Given(t, hall("..x.", "....")...).When(reserve(alice, best("Stalls", 2), best("Stalls", 2))))
	require.Equal(t, "B-1 B-2 B-3 B-4", got)
}
