package projectors

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

	"ticketing/cmd/parts"
	"ticketing/command/catalog"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/projector"
)

const usageLines = `usage:
  projector [--projection NAME]...
      keep read tables up to date, all of them or the named ones
  projector dead-letters list [NAME]...
      print what can't be applied, and how far its streams have gone since
  projector dead-letters replay [--stream STREAM]... [NAME]...
      try it again, with everything that waits behind it
  projector rebuild NAME... | --all
      fill tables anew from the log beside the live ones, and switch to them; resumes a rebuild that ended early
  projector --version | --help

exit status: 0 success; 1 failure, or dead letters are left after a replay; 2 wrong arguments or configuration

`

func usage() string { return usageLines + parts.ProjectorProgram().Environment() }

// The exit statuses of the subcommands.
const (
	done    = 0
	failed  = 1
	refused = 2
)

// operation is a subcommand with its arguments. It reports whether nothing is left to do.
type operation func(ctx context.Context, cfg projector.Config, out io.Writer) (bool, error)

// operate runs a subcommand once, beside the projectors that run. It returns the exit status of the process.
func operate(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run, err := parseOperation(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Println(usage())
		return done
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "projector: %v\n%s\n", err, usage())
		return refused
	}
	cfg, closePools, err := connect(ctx)
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
		return listAll{names}.run, err
	case "dead-letters replay":
		var r replayAll
		flags.Func("stream", "", func(id string) error { r.streams = append(r.streams, id); return nil })
		names, err := parseNames(flags, rest)
		r.names = names
		return r.run, err
	case "rebuild":
		all := flags.Bool("all", false, "")
		names, err := parseNames(flags, rest)
		if err == nil && *all == (flags.NArg() > 0) {
			err = errors.New("rebuild: name projections, or use --all")
		}
		return rebuildAll{names}.run, err
	}
	return nil, fmt.Errorf("there is no command %q", strings.Join(args, " "))
}

// parseNames returns the projections that are named, all if none is.
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

// connect connects to the two databases; nothing else is needed.
func connect(ctx context.Context) (projector.Config, func(), error) {
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
