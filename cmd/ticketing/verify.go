package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/command/saga"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/internal/services"
	"ticketing/projector/verify"
)

// The exit statuses of ticketing verify.
const (
	statusOK          = 0
	statusWrong       = 1
	statusNotVerified = 2
	statusBehind      = 3
)

// verifyLog is the subcommand verify: it prints whether the log is sound and the read tables agree with it, and changes nothing. It
// returns the exit status of the process.
func verifyLog(ctx context.Context, args []string, out io.Writer) int {
	var cfg verify.Config
	flags := flag.NewFlagSet("ticketing verify", flag.ContinueOnError)
	flags.DurationVar(&cfg.Wait, "wait", 5*time.Second, "how long to wait, in all, for projections that are behind")
	flags.Func("event", "an event to verify, with all that was sold of it; repeatable. Default: all", func(id string) error {
		cfg.EventIDs = append(cfg.EventIDs, id)
		return nil
	})
	flags.Int64Var(&cfg.Begun.After, "after", 0, "verify the events that begin after this position of the log")
	flags.Int64Var(&cfg.Begun.Until, "until", 0, "verify the events that begin up to this position of the log. Default: its end")
	flags.IntVar(&cfg.Show, "show", 100, "how many findings of each kind to print")
	if buildinfo.HandleFlagSet(out, flags, args) {
		return statusOK
	}
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return statusNotVerified
	}
	report, err := runVerify(ctx, cfg)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ticketing verify: %v\n", err)
		return statusNotVerified
	}
	report.Print(out)
	switch {
	case report.Wrong():
		return statusWrong
	case !report.OK():
		return statusBehind
	}
	return statusOK
}

func runVerify(ctx context.Context, v verify.Config) (report *verify.Report, err error) {
	cfg, stop, err := findDatabases(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	v.Registry, v.WindingUp = catalog.Registry(), saga.ReadWindingUp
	v.Topics = map[string]string{
		event.Category: cfg.EventTopic, inventory.Category: cfg.InventoryTopic,
		reservation.Category: cfg.ReservationTopic, payment.Category: cfg.PaymentTopic,
	}
	for url, pool := range map[string]**pgxpool.Pool{cfg.EventsURL: &v.Events, cfg.ReadURL: &v.Read} {
		if *pool, err = postgres.NewPool(ctx, url, postgres.Config{ApplicationName: "ticketing verify", ConnectTimeout: cfg.ConnectTimeout}); err != nil {
			return nil, err
		}
		defer (*pool).Close()
	}
	return verify.Run(ctx, v)
}

// findDatabases returns a configuration with the URLs of the log and the read tables: those of the environment, else of the private
// PostgreSQL of DATA_DIR, which no other process may be running. stop ends what was started.
func findDatabases(ctx context.Context) (cfg config.Config, stop func() error, err error) {
	environ := config.Environ()
	needs := []config.Need{config.NeedEvents, config.NeedRead}
	given := environ[string(config.NeedEvents)] != "" || environ[string(config.NeedRead)] != ""
	if environment := environ["ENVIRONMENT"]; !given && environment != "" && !strings.EqualFold(environment, config.Production) {
		needs = nil
	}
	if cfg, err = config.Load(environ, needs...); err != nil || needs != nil {
		return cfg, func() error { return nil }, err
	}
	if _, err := os.Stat(cfg.DataDir); err != nil {
		return cfg, nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	private, err := services.Start(ctx, services.Config{DataDir: cfg.DataDir, Postgres: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return cfg, nil, fmt.Errorf("start the private PostgreSQL of DATA_DIR (while the platform runs, give DATABASE_URL and PROJECTION_DATABASE_URL): %w", err)
	}
	stop = func() error {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return private.Stop(stopping)
	}
	for name, url := range map[string]*string{eventsDatabase: &cfg.EventsURL, readDatabase: &cfg.ReadURL} {
		if *url, err = postgres.WithDatabase(private.PostgresURL, name); err != nil {
			return cfg, nil, errors.Join(err, stop())
		}
	}
	return cfg, stop, nil
}

// The private databases, as startPrivate names them.
const (
	eventsDatabase = "ticketing_events"
	readDatabase   = "ticketing_read"
)
