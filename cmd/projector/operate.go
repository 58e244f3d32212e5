package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/catalog"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/projector"
)

const usage = `usage:
  projector [--projection NAME]...      keep read tables up to date
  projector dead-letters list [NAME]    what can't be applied, and how far its streams have gone since
  projector dead-letters replay [NAME]  try them again, with everything that waits behind them
  projector rebuild NAME                fill the tables anew from the log, beside the live ones, and switch`

var errUsage = errors.New(usage)

// operate runs a subcommand, once, beside the projectors that run. The answer is the process's exit status.
func operate(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command, names, err := parseOperation(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cfg, closePools, err := open(ctx)
	if err != nil {
		fmt.Fprintf(os.Stderr, "projector: %v\n", err)
		return 2
	}
	defer closePools()
	for _, name := range names {
		if err := command(ctx, cfg, name, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n", err)
			return 1
		}
	}
	return 0
}

type operation func(ctx context.Context, cfg projector.Config, projection string, out io.Writer) error

// parseOperation answers what to do, and with which projections.
func parseOperation(args []string) (operation, []string, error) {
	var command operation
	switch words := strings.Join(args[:min(2, len(args))], " "); {
	case args[0] == "rebuild" && len(args) == 2:
		return rebuild, args[1:], nil
	case words == "dead-letters list":
		command = list
	case words == "dead-letters replay":
		command = replay
	default:
		return nil, nil, errUsage
	}
	switch len(args) {
	case 2:
		return command, projector.Names(), nil
	case 3:
		return command, args[2:], nil
	}
	return nil, nil, errUsage
}

// open connects to the two databases; nothing else is needed.
func open(ctx context.Context) (projector.Config, func(), error) {
	cfg, err := config.Load(config.Environ(), config.NeedEvents, config.NeedRead)
	if err != nil {
		return projector.Config{}, nil, err
	}
	pools := make([]*pgxpool.Pool, 0, 2)
	closePools := func() {
		for _, pool := range pools {
			pool.Close()
		}
	}
	for _, url := range []string{cfg.EventsURL, cfg.ReadURL} {
		pool, err := postgres.NewPool(ctx, url, postgres.Options{
			ApplicationName: "ticketing projector operator", ConnectTimeout: cfg.ConnectTimeout,
		})
		if err != nil {
			closePools()
			return projector.Config{}, nil, err
		}
		pools = append(pools, pool)
	}
	return projector.Config{
		Events: pools[0], Read: pools[1], Registry: catalog.Registry(), Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}, closePools, nil
}

func list(ctx context.Context, cfg projector.Config, projection string, out io.Writer) error {
	letters, err := projector.DeadLetters(ctx, cfg, projection)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range letters {
		_, _ = fmt.Fprintf(table, "%s\t%s\tversion %d of %d\t%s\t%s\n", projection, l.StreamID, l.Version, l.WaitingVersion, l.Type, l.Error)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func replay(ctx context.Context, cfg projector.Config, projection string, out io.Writer) error {
	left, err := projector.Replay(ctx, cfg, projection)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s: %d dead letters are left\n", projection, left)
	return nil
}

func rebuild(ctx context.Context, cfg projector.Config, projection string, out io.Writer) error {
	if err := projector.Rebuild(ctx, cfg, projection); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s: rebuilt\n", projection)
	return nil
}
