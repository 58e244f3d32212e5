package simulation

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stretchr/testify/require"
)

// tries is how often a seed is replayed.
const tries = 30

// forEachSeed runs a simulation with some seeds, and fails at the first that violates something. SEED has it run that one, and DURATION as many
// random ones as there is time for, as `make test-simulation` does. Go's scheduler is not the seed's, so SEED may need some tries.
func forEachSeed(t *testing.T, number uint64, simulate func(seed uint64) *world) {
	t.Helper()
	next, step, stop := uint64(1), uint64(1), func(n uint64) bool { return n == number }
	cryptotest.SetGlobalRandom(t, 0)
	openShop(t)
	if text := os.Getenv("DURATION"); text != "" {
		d, err := time.ParseDuration(text)
		require.NoError(t, err)
		until := time.Now().Add(d)
		next, stop = rand.Uint64N(1<<40), func(uint64) bool { return !time.Now().Before(until) }
	}
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		next, step, stop = seed, 0, func(n uint64) bool { return n == tries }
	}
	began, steps, ran := time.Now(), 0, uint64(0)
	for ; !stop(ran); ran++ {
		w := simulateSeed(t, next+ran*step, simulate)
		steps += len(w.steps)
	}
	t.Logf("%d seeds, %.0f a minute, with %d steps", ran, float64(ran)/time.Since(began).Minutes(), steps)
}

func simulateSeed(t *testing.T, seed uint64, simulate func(seed uint64) *world) (w *world) {
	t.Helper()
	defer func() {
		if w == nil { // a panic, or a deadlock, says nothing of the seed
			t.Logf("replay it: make test-simulation ONLY=%s SEED=%d", t.Name(), seed)
		}
	}()
	cryptotest.SetGlobalRandom(t, seed) // ids decide on partitions
	w = simulate(seed)
	if len(w.violations) > 0 {
		t.Fatalf("%s\nreplay it: make test-simulation ONLY=%s SEED=%d", w.report(), t.Name(), seed)
	}
	return w
}
