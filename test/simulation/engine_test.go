package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

const mostFaults = 12

// simulateEngine has several apis sell the same seats, and returns what was violated.
func simulateEngine(t *testing.T, seed uint64) (s *shop) {
	t.Helper()
	from, eventID := openShop(t)
	synctest.Test(t, func(*testing.T) {
		s = newShop(seed, from)
		s.eventID, s.faults = eventID, s.rng.IntN(mostFaults)
		go s.schedule()
		time.Sleep(time.Hour) // the log's clock is not behind its last domain event
		for range 1 + s.rng.IntN(3) {
			s.startAPI()
		}
		s.serve(seed, (*customer).buy)
		s.stop()
	})
	s.checkLog()
	return s
}

// One replica after the other decides, whatever becomes of statements, replies, processes and the server: nothing is sold twice, nothing that
// was accepted is lost or twice in the log.
func TestTheEngineSellsNothingTwice(t *testing.T) {
	forEachSeed(t, 60, func(seed uint64) *world { return simulateEngine(t, seed).world })
}
