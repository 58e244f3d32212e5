package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cpuTimes is the CPU time of this run's processes, by the program's name. Unlike rates, it hardly depends on what else
// the machine does.
type cpuTimes map[string]time.Duration

// kernelTick is the unit of /proc/<pid>/stat.
const kernelTick = 10 * time.Millisecond

// cpuSoFar adds up this process and its descendants, including those that have ended. Without /proc it returns nothing.
func cpuSoFar() cpuTimes {
	type one struct {
		name   string
		parent int
		used   time.Duration
	}
	all := map[int]one{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended
		}
		pid, rest, _ := strings.Cut(string(text), " (")
		end := strings.LastIndex(rest, ") ")
		fields := strings.Fields(rest[end+2:])
		number := func(s string) int { n, _ := strconv.Atoi(s); return n }
		ticks := number(fields[11]) + number(fields[12]) + number(fields[13]) + number(fields[14]) // and its children that have ended
		all[number(pid)] = one{rest[:end], number(fields[1]), time.Duration(ticks) * kernelTick}
	}
	times := cpuTimes{}
	for pid, p := range all {
		for at := pid; at > 1; at = all[at].parent {
			if at == os.Getpid() {
				times[p.name] += p.used
				break
			}
		}
	}
	return times
}

// sum returns the time of all programs together.
func (c cpuTimes) sum() (sum time.Duration) {
	for _, used := range c {
		sum += used
	}
	return sum
}

// perCommand returns what each program used for a command.
func (c cpuTimes) perCommand(before cpuTimes, commands int) string {
	var sum time.Duration
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		used := (c[name] - before[name]) / time.Duration(max(commands, 1))
		if used > 0 {
			parts = append(parts, fmt.Sprintf("%s %d µs", name, used.Microseconds()))
			sum += used
		}
	}
	return fmt.Sprintf("%s: %d µs of CPU a command", strings.Join(parts, " + "), sum.Microseconds())
}
