package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/catalog"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/projector"
)

const usage = `usage:
  projector [--projection NAME]...
      keep read tables up to date, all of them or the named ones
  projector dead-letters list [NAME]...
      show what can't be applied, and how far its streams have gone since
  projector dead-letters replay [--stream STREAM]... [NAME]...
      try it again, with everything that waits behind it
  projector rebuild NAME... | --all
      fill tables anew from the log beside the live ones, and switch; one that was ended in the middle goes on
  projector --version | --help

exit status: 0 done; 1 it failed, or dead letters are left after a replay; 2 wrong arguments or configuration`

// The exit statuses of the subcommands.
const (
	done    = 0
	failed  = 1
	refused = 2
)

// operation is a subcommand with its arguments. It answers whether there is nothing left to be done.
type operation func(ctx context.Context, cfg projector.Config, out io.Writer) (bool, error)

// operate runs a subcommand, once, beside the projectors that run. The answer is the process's exit status.
func operate(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run, err := parseOperation(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Println(usage)
		return done
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "projector: %v\n%s\n", err, usage)
		return refused
	}
	cfg, closePools, err := open(ctx)
	if err != nil {
		fmt.Fprintf(os.Stderr, "projector: %v\n", err)
		return refused
	}
	defer closePools()
	whole, err := run(ctx, cfg, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !whole {
		return failed
	}
	return done
}

// parseOperation answers what to do.
func parseOperation(args []string) (operation, error) {
	command, rest := args[0], args[1:]
	if command == "dead-letters" && len(rest) > 0 {
		command, rest = command+" "+rest[0], rest[1:]
	}
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // operate prints what is wrong, and the usage
	switch command {
	case "dead-letters list":
		names, err := parseNames(flags, rest)
		return listing{names}.run, err
	case "dead-letters replay":
		var r replaying
		flags.Func("stream", "", func(id string) error { r.streams = append(r.streams, id); return nil })
		names, err := parseNames(flags, rest)
		r.names = names
		return r.run, err
	case "rebuild":
		all := flags.Bool("all", false, "")
		names, err := parseNames(flags, rest)
		if err == nil && *all == (flags.NArg() > 0) {
			err = errors.New("rebuild: name projections, or say --all")
		}
		return rebuilding{names}.run, err
	}
	return nil, fmt.Errorf("there is no command %q", strings.Join(args, " "))
}

// parseNames answers the projections that are named, all when none is.
func parseNames(flags *flag.FlagSet, args []string) ([]string, error) {
	if err := flags.Parse(args); err != nil {
		return nil, fmt.Errorf("%s: %w", flags.Name(), err)
	}
	all := projector.Names()
	for _, name := range flags.Args() {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("%s: there is no projection %q, only %s", flags.Name(), name, strings.Join(all, ", "))
		}
	}
	if flags.NArg() == 0 {
		return all, nil
	}
	return flags.Args(), nil
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
		pool, err := postgres.NewPool(ctx, url, postgres.Config{
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
