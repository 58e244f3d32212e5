// Command ticketing runs the whole platform in one process, for a laptop: it starts privately what the environment does not name
// (PostgreSQL, Redis, a Kafka broker; their data in DATA_DIR), migrates, and runs api, relay, projectors and saga until it gets SIGINT
// or SIGTERM. Production runs the same parts as processes of their own: ticketing api and the others, which the container image has in
// this one binary, or the binaries of the same names.
//
// ticketing verify reports whether the log is sound and the read tables agree with it. (docs/operations.md, "Verifying")
//
// ticketing restore-check is for the moment after a restore. (docs/operations.md, "After a restore")
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketing/cmd/parts"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
)

const usage = `usage: ticketing
           run the whole platform in this process
       ticketing verify [-wait 5s] [-show 100] [-event evt_…]... [-after POSITION] [-until POSITION]
           check that the log is sound and that the read tables say what it says; exit status 3: they are behind
       ticketing restore-check [-new-incarnation]
           after a restore: check that events and auth fit each other, and begin a new incarnation of the log
       ticketing doctor
           check what the environment names (databases, Redis, broker, mail, gateways), and say what to do; exit status 1: something is wrong
       ticketing top [-once] [HOST:PORT]...
           watch in a terminal what the processes do, from their metrics
       ticketing jobs list [KIND]... | retry ID... | retry --all [KIND]...
           the saga's jobs that have failed
       ticketing api | relay | projector | saga | migrate
           what the binary of that name does, with its arguments
       ticketing tickets verify [-keys FILE|URL] CODE
           say whose ticket a QR code is
       ticketing documents register [-manifest FILE] FILE...
           add operations to the manifest of trusted documents
       ticketing healthcheck
           exit with status 0 if the part that runs in this container is ready
       ticketing --version | --help
The environment configures it, which .env.example explains; it needs nothing set.`

func main() {
	if buildinfo.HandleFlags(os.Stdout, "ticketing", usage, os.Args[1:]) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := runCommand(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// runCommand returns the process's exit status.
func runCommand(ctx context.Context, args []string) int {
	if len(args) == 0 {
		return reportStatus(runPlatform(ctx))
	}
	run, ok := subcommands()[args[0]]
	if !ok {
		fmt.Fprintf(os.Stderr, "ticketing: unknown argument %q\n%s\n", args[0], usage)
		return 2
	}
	return run(ctx, args[1:])
}

// reportStatus reports an error of the platform, and returns the process's exit status.
func reportStatus(err error) int {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "ticketing: %v\n", err)
		return 1
	}
	return 0
}

func runPlatform(ctx context.Context) error {
	cfg, err := config.Load(withDevelopmentDefaults(config.Environ()))
	if err != nil {
		return err
	}
	listener, err := parts.Listen(ctx, cfg.Addr())
	if err != nil {
		return fmt.Errorf("PORT: %w", err)
	}
	private, err := startPrivate(ctx, &cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	err = parts.Run(ctx, "ticketing", cfg, func(ctx context.Context, e parts.Env) error {
		return runParts(ctx, e, listener)
	})
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(err, private.Stop(stopping))
}

// runParts runs all parts; when one fails, all end.
func runParts(ctx context.Context, e parts.Env, listener net.Listener) error {
	if err := parts.Migrate(ctx, e.Config); err != nil {
		return errors.Join(err, listener.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return parts.API(ctx, e, listener) })
	g.Go(func() error { return parts.Relay(ctx, e) })
	g.Go(func() error { return parts.Projector(ctx, e) })
	g.Go(func() error { return parts.Saga(ctx, e) })
	g.Go(func() error { return announceReady(ctx, e.Config, os.Stdout) })
	return g.Wait()
}
