// Package memory makes a program use available memory to collect garbage less often.
package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
)

// The heap may grow by mostPercent of what is in use before a collection, but by no more than mostGarbage, unless leastPercent, Go's default, is
// more. With Go's default alone, the collector took a fifth of the api's time under load. With mostPercent alone, each of thousands of connections
// would take five times its memory, which saves no more time: collections are rare already.
const (
	mostPercent  = 400
	leastPercent = 100
	mostGarbage  = 128 << 20 // bytes
)

// Spend lets the heap grow up to three quarters of the memory of the machine or the container, near which the collector runs more often
// again. It changes nothing if the operator has set GOGC or GOMEMLIMIT, or if the limit is unknown.
func Spend() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	available := Available()
	if available == 0 {
		return
	}
	debug.SetMemoryLimit(available / 4 * 3)
	debug.SetGCPercent(mostPercent)
	f := &follower{used: mostPercent}
	following.Store(f)
	f.awaitCollection()
}

// follower adjusts the percentage after each collection.
type follower struct{ used int }

// following is the one that Spend began last.
var following atomic.Pointer[follower]

func (f *follower) awaitCollection() {
	type sign struct{ of *follower } // is collected
	runtime.AddCleanup(&sign{f}, (*follower).adjustPercent, f)
}

func (f *follower) adjustPercent() {
	const near = 10 // percent: a change stops the program for a moment
	if following.Load() != f {
		return
	}
	if wanted := percentFor(inUse()); wanted > f.used+near || wanted < f.used-near {
		debug.SetGCPercent(wanted)
		f.used = wanted
	}
	f.awaitCollection()
}

// inUse returns the bytes of the heap that the last collection kept, and of stacks.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}

func percentFor(inUse uint64) int {
	const whole = 100
	return int(max(leastPercent, min(mostPercent, whole*mostGarbage/max(1, inUse)))) //nolint:gosec,nolintlint // bounded
}

// Available returns how many bytes this process may use: the container's limit, else the machine's memory, 0 if neither is known.
func Available() int64 {
	machine := machineMemory()
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} { // cgroup v2, v1
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit < machine {
			return limit
		}
	}
	return machine
}

func machineMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
