// Package memory makes a program use available memory to collect garbage less often.
package memory

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// gcPercent lets the heap grow to five times its live size before a collection. With Go's default of two times, the collector took a
// fifth of the api's time under load.
const gcPercent = 400

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
	debug.SetGCPercent(gcPercent)
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
