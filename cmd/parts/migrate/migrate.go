// Package migrate is the command migrate, which brings the three databases to a version: migrate up|down|status|force. Their URLs come from
// DATABASE_URL, PROJECTION_DATABASE_URL and AUTH_DATABASE_URL. migrations/README.md says how it is used.
package migrate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"

	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/migrations"
)

const usage = `usage: migrate up     [--database events|read|auth|all]
       migrate down   [--database events|read|auth|all] [--steps 1]
       migrate status [--database events|read|auth|all]
       migrate force  --database events|read|auth VERSION     (after repairing by hand what a failed migration left)
       migrate --version | --help
The databases are DATABASE_URL, PROJECTION_DATABASE_URL and AUTH_DATABASE_URL, or what the files hold that DATABASE_URL_FILE … name.`

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
	r, err := parseArgs(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		return 1
	}
	return 0
}

// request is what the command line asks for.
type request struct {
	command, database string
	n                 int // steps of down, the version of force
}

func (r request) run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	for _, db := range databases() {
		if r.database != "all" && r.database != db.name {
			continue
		}
		set := map[string]string{db.variable: getenv(db.variable), db.variable + "_FILE": getenv(db.variable + "_FILE")}
		if err := errors.Join(config.ReadSecrets(set)...); err != nil {
			return err
		}
		url := set[db.variable]
		if url == "" {
			return fmt.Errorf("%s is not set", db.variable)
		}
		if err := config.CheckDatabaseURL(db.variable, url, getenv("ENVIRONMENT"), getenv("ALLOW_PLAINTEXT")); err != nil {
			return err
		}
		if err := r.migrate(ctx, url, db); err != nil {
			return err
		}
		if err := printStatus(ctx, url, db, out); err != nil {
			return err
		}
	}
	return nil
}

func parseArgs(args []string) (request, error) {
	wrong := errors.New(usage) //nolint:staticcheck // more than a line
	if len(args) == 0 {
		return request{}, wrong
	}
	r := request{command: args[0]}
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&r.database, "database", "all", "")
	flags.IntVar(&r.n, "steps", 1, "")
	if err := flags.Parse(args[1:]); err != nil {
		return request{}, wrong
	}
	single := slices.ContainsFunc(databases(), func(db database) bool { return db.name == r.database })
	known := (single || r.database == "all") && r.n > 0 && (r.n == 1 || r.command == "down")
	switch r.command {
	case "up", "down", "status":
		known = known && flags.NArg() == 0
	case "force":
		var err error
		r.n, err = strconv.Atoi(flags.Arg(0))
		known = known && single && flags.NArg() == 1 && err == nil && r.n >= 0
	default:
		known = false
	}
	if !known {
		return request{}, wrong
	}
	return r, nil
}

func (r request) migrate(ctx context.Context, url string, db database) error {
	switch r.command {
	case "up":
		return postgres.Migrate(ctx, url, db.files)
	case "down":
		return postgres.MigrateSteps(ctx, url, db.files, -r.n)
	case "force":
		return postgres.MigrateForce(ctx, url, db.files, r.n)
	}
	return nil
}

// printStatus prints the version of a database, and what up would do.
func printStatus(ctx context.Context, url string, db database, out io.Writer) error {
	version, dirty, err := postgres.MigrationVersion(ctx, url, db.files)
	if err != nil {
		return err
	}
	newest, err := postgres.NewestMigration(db.files)
	if err != nil {
		return err
	}
	state := ""
	switch {
	case dirty:
		state = " (a migration failed half-way: repair the database, then use force)"
	case version > newest:
		state = fmt.Sprintf(", of a newer build: this one knows %d", newest)
	case version < newest:
		state = fmt.Sprintf(" of %d", newest)
	}
	_, err = fmt.Fprintf(out, "%s: version %d%s\n", db.name, version, state)
	return err
}
