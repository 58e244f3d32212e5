// Package migrate is the command migrate, which brings the three databases to a version: migrate up|down|version|force
// [events|read|auth|all] [n]. Their URLs come from DATABASE_URL, PROJECTION_DATABASE_URL and AUTH_DATABASE_URL.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"

	"ticketing/internal/buildinfo"
	"ticketing/internal/postgres"
	"ticketing/migrations"
)

const usage = `usage: migrate up|version [events|read|auth|all]
       migrate down [events|read|auth|all] [steps]       (default: one step)
       migrate force events|read|auth version            (after repairing by hand what a failed migration left)
       migrate --version | --help
The databases are DATABASE_URL, PROJECTION_DATABASE_URL and AUTH_DATABASE_URL.`

// database is one of the three, by its name on the command line.
type database struct {
	name, variable string
	files          fs.FS
}

func databases() []database {
	return []database{
		{"events", "DATABASE_URL", migrations.Events},
		{"read", "PROJECTION_DATABASE_URL", migrations.Read},
		{"auth", "AUTH_DATABASE_URL", migrations.Auth},
	}
}

// Main runs the command and returns the exit status of the process.
func Main(args []string) int {
	if buildinfo.HandleFlags(os.Stdout, "migrate", usage, args) {
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runMigrate(ctx, args, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		return 1
	}
	return 0
}

func runMigrate(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	command, name, n, err := parseArgs(args)
	if err != nil {
		return err
	}
	for _, db := range databases() {
		if name != "all" && name != db.name {
			continue
		}
		url := getenv(db.variable)
		if url == "" {
			return fmt.Errorf("%s is not set", db.variable)
		}
		if err := migrateDatabase(ctx, command, url, db, n, out); err != nil {
			return err
		}
	}
	return nil
}

// parseArgs reads the command line. n defaults to 1, except for force, which needs it.
func parseArgs(args []string) (command, name string, n int, err error) {
	wrong := errors.New(usage) //nolint:staticcheck // more than a line
	if len(args) == 0 || len(args) > 3 {
		return "", "", 0, wrong
	}
	command, name, n = args[0], "all", 1
	if len(args) > 1 {
		name = args[1]
	}
	if len(args) > 2 {
		if n, err = strconv.Atoi(args[2]); err != nil || n < 0 {
			return "", "", 0, wrong
		}
	}
	known := name == "all" || slices.ContainsFunc(databases(), func(db database) bool { return db.name == name })
	switch command {
	case "up", "version":
		known = known && len(args) < 3
	case "down":
	case "force":
		known = known && name != "all" && len(args) == 3
	default:
		known = false
	}
	if !known {
		return "", "", 0, wrong
	}
	return command, name, n, nil
}

// migrateDatabase runs one command on one database and prints the version it is at then.
func migrateDatabase(ctx context.Context, command, url string, db database, n int, out io.Writer) error {
	var err error
	switch command {
	case "up":
		err = postgres.Migrate(ctx, url, db.files)
	case "down":
		err = postgres.MigrateSteps(ctx, url, db.files, -n)
	case "force":
		err = postgres.MigrateForce(ctx, url, db.files, n)
	}
	if err != nil {
		return err
	}
	version, dirty, err := postgres.MigrationVersion(ctx, url, db.files)
	if err != nil {
		return err
	}
	state := ""
	if dirty {
		state = " (a migration failed half-way: repair the database, then use force)"
	}
	_, err = fmt.Fprintf(out, "%s: version %d%s\n", db.name, version, state)
	return err
}
