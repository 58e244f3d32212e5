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
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/internal/services"
	"ticketing/internal/verify"
)

// The exit statuses of ticketing verify.
const (
	whole       = 0
	wrong       = 1
	notVerified = 2
)

// verifyLog is the subcommand verify: it says whether the log is whole and the read tables say what it says, and changes nothing. The
// answer is the process's exit status.
func verifyLog(ctx context.Context, args []string, out io.Writer) int {
	var o verify.Options
	flags := flag.NewFlagSet("ticketing verify", flag.ContinueOnError)
	flags.DurationVar(&o.Wait, "wait", 5*time.Second, "how long to wait for read tables that are behind")
	flags.IntVar(&o.Show, "show", 100, "how many findings of each kind to print")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return notVerified
	}
	report, err := verifyWith(ctx, o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ticketing verify: %v\n", err)
		return notVerified
	}
	report.Print(out)
	if !report.OK() {
		return wrong
	}
	return whole
}

func verifyWith(ctx context.Context, o verify.Options) (report *verify.Report, err error) {
	cfg, stop, err := databases(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	o.Registry = catalog.Registry()
	o.Topics = map[string]string{
		event.Category: cfg.EventTopic, inventory.Category: cfg.InventoryTopic,
		reservation.Category: cfg.ReservationTopic, payment.Category: cfg.PaymentTopic,
	}
	for url, pool := range map[string]**pgxpool.Pool{cfg.EventsURL: &o.Events, cfg.ReadURL: &o.Read} {
		if *pool, err = postgres.NewPool(ctx, url, postgres.Config{ApplicationName: "ticketing verify", ConnectTimeout: cfg.ConnectTimeout}); err != nil {
			return nil, err
		}
		defer (*pool).Close()
	}
	return verify.Run(ctx, o)
}

// databases answers where the log and the read tables are: where the environment says, else in the private PostgreSQL of DATA_DIR,
// which nobody else may be running meanwhile. stop ends what was started.
func databases(ctx context.Context) (cfg config.Config, stop func() error, err error) {
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
	private, err := services.Start(ctx, services.Options{DataDir: cfg.DataDir, Postgres: true, Logger: slog.New(slog.DiscardHandler)})
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
