package memory_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/memory"
)

// collector returns the settings of Go's garbage collector, and restores the defaults when the test ends.
func collector(t *testing.T) (percent func() int, limit func() int64) {
	t.Helper()
	t.Cleanup(func() {
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
