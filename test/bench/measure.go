package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// measureSide adds a round to a side's result, and prints it with each program's CPU time for a command.
func (b *bench) measureSide(sum *measured, side string, round func() (measured, error)) error {
	before := cpuSoFar()
	m, err := round()
	if err != nil {
		return fmt.Errorf("%s: %w", side, err)
	}
	b.printf("  %-26s %s   %s", side, m, cpuSoFar().perCommand(before, m.Done))
	*sum = sum.plusLater(m)
	return nil
}

// withProfile writes a CPU profile of a round, if there is a folder for profiles.
func (b *bench) withProfile(name string, round int, work func() (measured, error)) (measured, error) {
	stop, err := startProfile(b.profilePath(name, round))
	if err != nil {
		return measured{}, err
	}
	defer stop()
	return work()
}

// profilePath returns the file for a profile, "" without a folder for profiles.
func (b *bench) profilePath(name string, round int) string {
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
	file, err := os.Create(path) //nolint:gosec // the path is an option
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // a lost profile is no error
	}, nil
}
