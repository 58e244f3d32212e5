package memory_test

import (
	"math"
	"runtime/debug"
	"testing"

	"ticketing/internal/memory"
)

// collector answers how Go's garbage collector is set, and has it set as it is by default when the test ends.
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
	if percent() <= 100 || limit() >= available || limit() < available/2 {
		t.Errorf("GOGC is %d and the limit %d of %d", percent(), limit(), available)
	}
}

func TestTheOperatorsWordStands(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", "")
			t.Setenv("GOMEMLIMIT", "")
			t.Setenv(name, "100")
			percent, limit := collector(t)
			memory.Spend()
			if percent() != 100 || limit() != math.MaxInt64 {
				t.Errorf("GOGC is %d and the limit %d, although %s is set", percent(), limit(), name)
			}
		})
	}
}
