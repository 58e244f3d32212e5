package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// measure adds a round to what a side has done so far, and prints it with the CPU time that a command took of each program.
func (b *bench) measure(sum *measured, side string, round func() (measured, error)) error {
	before := cpuSoFar()
	m, err := round()
	if err != nil {
		return fmt.Errorf("%s: %w", side, err)
	}
	b.say("  %-26s %s   %s", side, m, cpuSoFar().since(before, m.Done))
	*sum = sum.and(m)
	return nil
}

// profiled writes a CPU profile of a round, if profiles are wanted.
func (b *bench) profiled(name string, round int, work func() (measured, error)) (measured, error) {
	stop, err := startProfile(b.profile(name, round))
	if err != nil {
		return measured{}, err
	}
	defer stop()
	return work()
}

// profile answers the file for a profile; "" when none is wanted.
func (b *bench) profile(name string, round int) string {
	if b.profiles == "" {
		return ""
	}
	return filepath.Join(b.profiles, fmt.Sprintf("%s-%d.pprof", name, round))
}

// startProfile profiles this process into a file, until stop; "" is no file.
func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path) //nolint:gosec // where whoever runs this wants it
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // a profile more or less
	}, nil
}
