package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// printMachine prints what the figures were measured on. The speed of fsync bounds every durable implementation.
func (b *bench) printMachine(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, b.servers.postgres.URL())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it is not used any more
	var version, fsync, commit string
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')`).
		Scan(&version, &fsync, &commit)
	if err != nil {
		return fmt.Errorf("ask for the version: %w", err)
	}
	syncs, err := fsyncRate(b.servers.folder)
	if err != nil {
		return err
	}
	b.printf("%s, %d × %s, load %s", time.Now().Format(time.DateTime), runtime.NumCPU(), cpuModel(), loadAverage())
	b.printf("PostgreSQL %s (fsync %s, synchronous_commit %s), %s, %.0f fsyncs/s", version, fsync, commit, runtime.Version(), syncs)
	return nil
}

// fsyncRate appends blocks of 8 KiB to a file and syncs each.
func fsyncRate(folder string) (float64, error) {
	file, err := os.Create(filepath.Join(folder, "fsync"))
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer file.Close() //nolint:errcheck // every write is synced
	block := make([]byte, 8<<10)
	began, n := time.Now(), 0
	for ; time.Since(began) < time.Second; n++ {
		if _, err := file.Write(block); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// loadAverage returns how busy the machine was before: the figures of a busy one are lower.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(text), " ")
	return average
}
