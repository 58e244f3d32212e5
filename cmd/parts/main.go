package parts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	"ticketing/internal/telemetry"
)

// Main runs one part as a process: it reads the configuration, runs the part with the operators' server (metrics, health) beside it,
// and ends on SIGINT or SIGTERM. The answer is the process's exit status.
func Main(service string, needs []config.Need, part func(ctx context.Context, e Env) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(config.Environ(), needs...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := Run(ctx, service, cfg, part); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", service, err)
		return 1
	}
	return 0
}

// Run runs a part with everything that a process has one of: telemetry and the operators' server.
func Run(ctx context.Context, service string, cfg config.Config, part func(ctx context.Context, e Env) error) error {
	t, err := telemetry.Setup(ctx, telemetry.Config{ServiceName: service, OTLPEndpoint: cfg.OTLPEndpoint})
	if err != nil {
		return err
	}
	defer func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = t.Shutdown(flushing) // what could not be exported is lost, as it is when the collector is away
	}()
	log, err := telemetry.NewLogger(os.Stderr, cfg.LogLevel, cfg.Development())
	if err != nil {
		return err
	}
	e := Env{Config: cfg, Log: log, Metrics: t.Registry, Clock: time.Now}
	operators, err := Listen(ctx, cfg.MetricsAddr())
	if err != nil {
		return fmt.Errorf("METRICS_PORT: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	ending, end := context.WithCancel(ctx)
	g.Go(func() error {
		return httpserver.Run(ending, operators, e.operatorRoutes(), time.Second, e.Log)
	})
	g.Go(func() error {
		defer end()
		return part(ctx, e)
	})
	return g.Wait()
}

// Listen takes a TCP address, so that a port that is in use is told before anything else is started.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

func (e Env) operatorRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(e.Metrics, promhttp.HandlerOpts{}))
	addHealth(mux, nil, true)
	return httpserver.Secure(mux, false) // operators may come without TLS
}

// mailFolder is where mails are written when there is no mail server; production has one.
func (e Env) mailFolder() string { return filepath.Join(e.Config.DataDir, "mail") }
