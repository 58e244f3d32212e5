package test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"ticketing/internal/testenv"
)

// eachFaultSeed gives the order of the faults, and what each of them hits.
const eachFaultSeed = 7

// Each kind of fault happens once, and after each of them customers get outcomes of their commands again. What must be true whatever has happened
// is true in the end. It is the short form of TestFaults, as long as its faults take.
func TestCustomersGoOnAfterEachKindOfFault(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, eachFaultSeed)
	t.Cleanup(w.print)
	t.Log("to replay it: go test -count=1 -run '^TestCustomersGoOnAfterEachKindOfFault$' ./test")
	w.startSelling()
	w.awaitOutcomes("the start")
	for n, kind := range rand.New(rand.NewPCG(eachFaultSeed, 0)).Perm(len(faults)) {
		from := rand.New(rand.NewPCG(eachFaultSeed, uint64(n+1)))
		for range 10 {
			if w.strikeOnce(faults[kind], from) {
				break // what has no connection just now, or no disk, is not hit
			}
		}
		w.awaitOutcomes(faults[kind].name)
	}
	w.heal()
	w.stopSelling()
	w.requireSound()
	w.requireNothingLeaked()
}

// awaitOutcomes waits until some more commands have an outcome.
func (w *faultWorld) awaitOutcomes(after string) {
	w.t.Helper()
	const some = 5
	before := w.buyers.commands.Load()
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
		more := w.buyers.commands.Load() - before
		return more >= some, fmt.Sprintf("%d commands with an outcome after: %s", more, after)
	})
}
