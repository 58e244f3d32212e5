package memory_test

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/memory"
	"ticketing/internal/testenv"
)

// collector returns the settings of Go's garbage collector, and restores the defaults when the test ends.
func collector(t *testing.T) (percent func() int, limit func() int64) {
	t.Helper()
	t.Cleanup(func() {
		memory.StopFollowing()
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(math.MaxInt64)
	})
	return func() int {
			now := debug.SetGCPercent(100)
			debug.SetGCPercent(now)
			return now
		}, func() int64 {
			return debug.SetMemoryLimit(-1)
		}
}

func TestMemoryIsSpentWithinALimit(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent, limit := collector(t)
	available := memory.Available()
	if available == 0 {
		t.Skip("this system does not tell how much memory there is")
	}
	memory.Spend()
	require.Greater(t, percent(), 100)
	require.Less(t, limit(), available)
	require.GreaterOrEqual(t, limit(), available/2)
}

// The percentage follows what is in use: a connection that is kept takes twice its memory, not five times.
func TestGarbageIsBounded(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	collector(t)
	if memory.Available() == 0 {
		t.Skip("this system does not tell how much memory there is")
	}
	memory.Spend()
	kept := make([]byte, 256<<20) // never touched: it takes no memory of the system
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		runtime.GC()
		percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(percent)
		return percent[0].Value.Uint64() == 100, fmt.Sprint(percent[0].Value.Uint64(), " percent")
	})
	runtime.KeepAlive(kept)
}

func TestTheOperatorsSettingsAreKept(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", "")
			t.Setenv("GOMEMLIMIT", "")
			t.Setenv(name, "100")
			percent, limit := collector(t)
			memory.Spend()
			require.Equal(t, 100, percent(), name)
			require.Equal(t, int64(math.MaxInt64), limit(), name)
		})
	}
}
