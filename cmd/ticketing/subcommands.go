package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"ticketing/cmd/parts"
	"ticketing/cmd/parts/migrate"
	"ticketing/cmd/parts/projectors"
	"ticketing/cmd/ticketing/top"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/memory"
)

// subcommand runs until it is done or ctx ends, and returns the process's exit status.
type subcommand func(ctx context.Context, args []string) int

// subcommands are the parts of the product, so that one binary is all that a container image needs.
func subcommands() map[string]subcommand {
	part := func(run func(args []string) int) subcommand {
		return func(_ context.Context, args []string) int { return run(args) }
	}
	return map[string]subcommand{
		"api": part(func(args []string) int {
			memory.Spend()
			return parts.APIProgram().Main(args)
		}),
		"relay":         part(parts.RelayProgram().Main),
		"projector":     part(projectors.Main),
		"saga":          part(parts.SagaProgram().Main),
		"migrate":       part(migrate.Main),
		"verify":        func(ctx context.Context, args []string) int { return verifyLog(ctx, args, os.Stdout) },
		"jobs":          func(ctx context.Context, args []string) int { return runJobs(ctx, args, os.Stdout) },
		"tickets":       func(ctx context.Context, args []string) int { return runTickets(ctx, args, os.Stdout) },
		"documents":     func(_ context.Context, args []string) int { return runDocuments(args, os.Stdout) },
		"restore-check": func(ctx context.Context, args []string) int { return checkRestore(ctx, args, os.Stdout) },
		"doctor": func(ctx context.Context, args []string) int {
			return runDoctor(ctx, args, config.Environ(), os.Stdout)
		},
		"top":         func(ctx context.Context, args []string) int { return top.Main(ctx, args, config.Environ(), os.Stdout) },
		"healthcheck": runHealthcheck,
	}
}

// healthTimeout bounds a health check. The checks themselves take at most two seconds.
const healthTimeout = 4 * time.Second

func runHealthcheck(ctx context.Context, args []string) int {
	if buildinfo.HandleFlagSet(os.Stdout, flag.NewFlagSet("ticketing healthcheck", flag.ContinueOnError), args) {
		return 0
	}
	return checkHealth(ctx, config.Environ())
}

// checkHealth asks the part that runs in this container, on METRICS_PORT, whether it is ready: an image without a shell has nothing else
// to ask with. It returns 0 if it is.
func checkHealth(ctx context.Context, environ map[string]string) int {
	port := environ["METRICS_PORT"]
	if port == "" {
		port = "9090"
	}
	if err := getReady(ctx, "http://127.0.0.1:"+port+"/health/ready"); err != nil {
		fmt.Fprintln(os.Stderr, "ticketing healthcheck:", err)
		return 1
	}
	return 0
}

func getReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}
