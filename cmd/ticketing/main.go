// Command ticketing runs the whole platform in one process, for a laptop: it starts privately what the environment does not name
// (PostgreSQL, Redis, a Kafka broker; their data in DATA_DIR), migrates, and runs api, relay, projectors and saga until it is told to
// end. The real thing is the same parts as separate binaries.
//
// ticketing verify says whether the log is whole and the read tables say what it says. (docs/operations.md, "Verifying")
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
	"ticketing/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := 0
	if len(os.Args) > 1 && os.Args[1] == "verify" {
		status = verifyLog(ctx, os.Args[2:], os.Stdout)
	} else if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "ticketing: %v\n", err)
		status = 1
	}
	stop()
	os.Exit(status)
}

func run(ctx context.Context) error {
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
	g.Go(func() error { return announce(ctx, e.Config, os.Stdout) })
	return g.Wait()
}
