package parts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	internalredis "ticketing/internal/redis"
	"ticketing/internal/telemetry"
)

// Run runs a part with everything that a process has one of: telemetry and the operators' server.
func Run(ctx context.Context, service string, cfg config.Config, part func(ctx context.Context, e Env) error) error {
	t, err := telemetry.Setup(ctx, telemetry.Config{
		ServiceName: service, Version: buildinfo.Version(), OTLPEndpoint: cfg.OTLPEndpoint, OTLPHeaders: cfg.TraceHeaders(),
	})
	if err != nil {
		return err
	}
	defer func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = t.Shutdown(flushing) // spans that can't be exported are lost, as while the collector is away
	}()
	telemetry.Hide(cfg.Secrets()...)
	log, err := telemetry.NewLogger(os.Stderr, cfg.LogLevel, cfg.LogFormat == config.LogText)
	if err != nil {
		return err
	}
	telemetry.LogTo(log)
	operators, err := Listen(ctx, cfg.MetricsAddr())
	if err != nil {
		return fmt.Errorf("METRICS_PORT: %w", err)
	}
	e := Env{Config: cfg, Logger: log, Registry: t.Registry, Health: httpserver.NewHealth()}
	log.Info("starting", "program", service, "version", buildinfo.Version(), "configuration", cfg.String())
	defer log.Info("ended", "program", service)
	defer context.AfterFunc(ctx, e.Health.Stop)()
	internalredis.LogTo(log)
	g, ctx := errgroup.WithContext(ctx)
	ending, end := context.WithCancel(context.WithoutCancel(ctx)) // the part tells operators how it is until it has ended
	defer end()
	g.Go(func() error { return e.serveOperators(ending, operators, e.operatorRoutes()) })
	g.Go(func() error {
		defer end()
		return part(ctx, e)
	})
	return g.Wait()
}

// operatorConnections is enough for a Prometheus, probes, and some operators with `ticketing top`.
const operatorConnections = 256

// serveOperators serves until ctx ends. A profile that is in progress then is cut off, which is no error.
func (e Env) serveOperators(ctx context.Context, listener net.Listener, handler http.Handler) error {
	err := httpserver.Run(ctx, listener, httpserver.Config{
		Handler: handler, Drain: time.Second, Connections: operatorConnections, Logger: e.Logger.With("server", "operators: /metrics, /health, /debug/pprof"),
	})
	if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Listen listens on a TCP address, so that a port that is in use is reported before anything else starts.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

func (e Env) operatorRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(e.Registry, promhttp.HandlerOpts{}))
	e.addHealth(mux)
	mux.Handle("GET /health", e.Health.Detailed())
	all := http.NewServeMux()
	all.Handle("/", httpserver.BoundWrites(mux, responseTimeout))
	all.Handle("GET /debug/pprof/", httpserver.BoundWrites(profiles(), profileTimeout))
	return httpserver.Secure(all, false) // operators may come without TLS
}

// profileTimeout bounds a profile: pprof takes as many seconds as it is asked for.
const profileTimeout = 5 * time.Minute

// profiles serves net/http/pprof. It is only for operators: a profile costs time, and shows what runs here. The command line is left out.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
