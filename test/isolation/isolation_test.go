package isolation

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// enabled is set by make test-isolation. Beside other tests, what is measured would be theirs.
	enabled = "ISOLATION"

	quietTime = 15 * time.Second // how long is measured without a party
	loadTime  = 12 * time.Second // and with each

	mostFactor  = 3           // a party makes others wait this much longer, at most
	mostLatency = time.Second // and never longer than this, unless the machine needs a third of it without the party
	// leastQuiet is what counts as the quiet latency of what is faster: two processors have eight processes to run, each for a time
	// slice of a few milliseconds, and a purchase passes through most of them.
	leastQuiet = 50 * time.Millisecond
	// tries is how often a party is measured that seems to hold others up, each time beside a new quiet measurement: the machine may have
	// been busy for a moment. A fault shows each time.
	tries = 2
)

// party does its worst within its rights and limits.
type party struct {
	name    string
	workers int
	prepare func(h *house) plan                       // in this process
	attack  func(c *attacker, worker int) (err error) // again and again, in a process of its own; an error says what was refused
}

// parties returns all of them. Some need much time for what they prepare, which is not measured.
func parties() []party {
	return []party{costlyChoices, heavyReads, manyReads, liveReads, seatedArenas, restlessOrganizers, refusedRefunds, strangersWebhooks, signInFlood}
}

func TestOnePartyDoesNotHoldUpOthers(t *testing.T) { //nolint:paralleltest // it measures time
	if os.Getenv(enabled) == "" {
		t.Skip("it measures latencies: run make test-isolation, with nothing beside it")
	}
	h := startPlatform(t)
	probes := h.probes()
	measure(t, probes, 2*time.Second) // warms up
	quiet := measure(t, probes, quietTime)
	for _, p := range parties() {
		t.Run(p.name, func(t *testing.T) { //nolint:paralleltest // as above
			h := h.within(t)
			for try := 1; ; try++ {
				loaded := h.measureBeside(p, probes)
				late := compare(t, p.name, probes, quiet, loaded)
				if len(late) == 0 {
					return
				}
				if try == tries {
					require.Empty(t, late)
				}
				quiet = measure(t, probes, quietTime)
			}
		})
	}
}

// compare reports what was measured, and returns what took too long.
func compare(t *testing.T, party string, probes []probe, quiet, loaded latencies) (late []string) {
	t.Helper()
	var report strings.Builder
	fmt.Fprintf(&report, "\n%-22s %-10s %9s %9s %6s\n", "party", "victim", "quiet p99", "p99", "ratio")
	for _, p := range probes {
		before, now := quiet.p99(p.name), loaded.p99(p.name)
		verdict := ""
		if now > mostFactor*max(before, leastQuiet) || now > mostLatency && before <= mostLatency/mostFactor {
			verdict = "  too long"
			late = append(late, fmt.Sprintf("%s takes %s (p99), %s without %s", p.name, now, before, party))
		}
		fmt.Fprintf(&report, "%-22s %-10s %6d ms %6d ms %6.1f%s\n", party, p.name, before.Milliseconds(), now.Milliseconds(), float64(now)/float64(before), verdict)
	}
	t.Log(report.String())
	return late
}
