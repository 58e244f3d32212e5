// Command ticketing runs the whole platform in one process, for a laptop: it starts privately what the environment does not name
// (PostgreSQL, Redis, a Kafka broker; their data in DATA_DIR), migrates, and runs api, relay, projectors and saga until it gets SIGINT
// or SIGTERM. Production runs the same parts as separate binaries.
//
// ticketing verify reports whether the log is sound and the read tables agree with it. (docs/operations.md, "Verifying")
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
       ticketing verify [-wait 5s] [-show 100]
           check that the log is sound and that the read tables say what it says
       ticketing --version | --help
The environment configures it, which .env.example explains; it needs nothing set.`

func main() {
	if buildinfo.HandleFlags(os.Stdout, "ticketing", usage, os.Args[1:]) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := runCommand(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// runCommand returns the process's exit status.
func runCommand(ctx context.Context, args []string) int {
	switch {
	case len(args) > 0 && args[0] == "verify":
		return verifyLog(ctx, args[1:], os.Stdout)
	case len(args) > 0:
		fmt.Fprintf(os.Stderr, "ticketing: unknown argument %q\n%s\n", args[0], usage)
		return 2
	}
	if err := runPlatform(ctx); err != nil && !errors.Is(err, context.Canceled) {
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
