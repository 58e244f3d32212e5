package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketing/cmd/parts"
	"ticketing/internal/config"
	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/migrations"
)

// The open connections, and the users who share them.
const (
	connections = 256
	users       = 64
)

// benchGraphQL measures reserveSeats from the HTTP request to the commit: the api's own binary, with sessions, rate limits (too high to be
// met), and an idempotency key a request. The client, PostgreSQL and Redis run on the same cores; relay and projectors do not. A second api, which
// exports the traces of 1 % of the requests, takes turns with the first one; each sells an event of its own.
func benchGraphQL(ctx context.Context, b *bench) (err error) {
	_, env, stop, err := b.apiEnvironment(ctx, "graphql")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	traces, err := startTraceSink(ctx)
	if err != nil {
		return err
	}
	defer traces.stop()
	plain := &loadedAPI{name: "reserveSeats"}
	traced := &loadedAPI{name: "with 1 % of the traces", more: map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": traces.url, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01",
	}}
	for _, side := range []*loadedAPI{plain, traced} {
		defer func() { err = errors.Join(err, side.stop()) }()
		if err := side.start(ctx, b, env, connections); err != nil {
			return err
		}
	}
	if err := b.takeTurns(plain.round(ctx, b), traced.round(ctx, b)); err != nil {
		return err
	}
	b.printFigure("graphql_reserve_per_s", plain.all.perSecond())
	b.printFigure("graphql_traced_ratio", traced.all.perSecond()/plain.all.perSecond())
	b.printFigure("graphql_traced_cpu_ratio", float64(traced.cpuPerCommand())/float64(plain.cpuPerCommand()))
	b.printf("  %d spans were exported", traces.spans.Load())
	return nil
}

// loadedAPI is an api process with its clients, which all reserve tickets for one event.
type loadedAPI struct {
	name string
	more map[string]string // of its environment

	api       *process.Process
	reservers []*httpReserver
	all       measured
	cpu       time.Duration
}

// start starts the api on the databases of env, on ports of its own, and signs its clients in.
func (s *loadedAPI) start(ctx context.Context, b *bench, env map[string]string, clients int) error {
	env = maps.Clone(env)
	maps.Copy(env, s.more)
	for _, name := range []string{"PORT", "METRICS_PORT"} {
		port, err := services.FreePort()
		if err != nil {
			return err
		}
		env[name] = strconv.Itoa(port)
	}
	cfg, err := config.Load(env)
	if err != nil {
		return err
	}
	if s.api, err = b.startProgram(ctx, "api", env); err != nil {
		return err
	}
	url := "http://" + cfg.Addr()
	if err := awaitReady(ctx, url+"/health/ready"); err != nil {
		return err
	}
	eventID, err := createEventThroughAPI(ctx, url)
	if err != nil {
		return err
	}
	_, tokens, err := signInMany(ctx, url, "customer", users)
	if err != nil {
		return err
	}
	s.reservers = make([]*httpReserver, clients)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(users)
	for i := range s.reservers {
		g.Go(func() (err error) {
			if s.reservers[i], err = newHTTPReserver(ctx, cfg.Addr(), tokens[i%len(tokens)], eventID); err != nil {
				return err
			}
			return s.reservers[i].reserveTwo(i, firstRequest) // the api closes a connection without a request after 5 s
		})
	}
	return g.Wait()
}

// firstRequest is the number of a connection's first request: its key is another than those of what is measured.
const firstRequest = 1 << 21

func (s *loadedAPI) stop() error {
	for _, r := range s.reservers {
		if r != nil {
			r.close()
		}
	}
	if s.api == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.api.Stop(ctx, syscall.SIGTERM)
}

// round returns the side's turn of a round.
func (s *loadedAPI) round(ctx context.Context, b *bench) func(int) error {
	reserve := func(_ context.Context, client, n int) error { return s.reservers[client].reserveTwo(client, n) }
	return func(int) error {
		before := cpuSoFar()
		err := b.measureSide(&s.all, s.name, func() (measured, error) { return closedLoop(ctx, len(s.reservers), b.round, reserve) })
		s.cpu += cpuSoFar().sum() - before.sum()
		return err
	}
}

func (s *loadedAPI) cpuPerCommand() time.Duration { return s.cpu / time.Duration(max(s.all.Done, 1)) }

// apiEnvironment starts what the api needs beside PostgreSQL, and returns its configuration, also as the environment that says it.
func (b *bench) apiEnvironment(ctx context.Context, name string) (cfg config.Config, env map[string]string, stop func() error, err error) {
	folder := filepath.Join(b.servers.folder, name)
	private, err := services.Start(ctx, services.Config{DataDir: folder, Redis: true, Broker: true, Logger: newLogger()})
	if err != nil {
		return cfg, nil, nil, err
	}
	port, err := services.FreePort()
	if err != nil {
		return cfg, nil, nil, err
	}
	metrics, err := services.FreePort()
	if err != nil {
		return cfg, nil, nil, err
	}
	env = map[string]string{
		"ENVIRONMENT": "test", "PORT": strconv.Itoa(port), "METRICS_PORT": strconv.Itoa(metrics), "DATA_DIR": folder, "LOG_LEVEL": "warn",
		"REDIS_URL": private.RedisURL, "REDPANDA_BROKERS": private.Brokers[0], "ADMIN_EMAILS": adminEmail,
		"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING": "true", "AUTH_RATE_LIMIT_REQUESTS": "100000", "MUTATION_RATE_LIMIT_REQUESTS": "1000000", "READ_RATE_LIMIT_PER_USER": "2000000000", "READ_RATE_LIMIT_PER_IP": "2000000000", "MAX_UNPAID_RESERVATIONS": "1000000",
	}
	for variable, database := range map[string]struct {
		name  string
		files fs.FS
	}{
		"DATABASE_URL": {name, migrations.Events}, "PROJECTION_DATABASE_URL": {name + "_read", migrations.Read},
		"AUTH_DATABASE_URL": {name + "_auth", migrations.Auth},
	} {
		if env[variable], _, err = b.servers.createDatabase(ctx, database.name, database.files); err != nil {
			return cfg, nil, nil, err
		}
	}
	if cfg, err = config.Load(env); err != nil {
		return cfg, nil, nil, err
	}
	if err = parts.Migrate(ctx, cfg); err != nil {
		return cfg, nil, nil, err
	}
	return cfg, env, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return private.Stop(ctx)
	}, nil
}

// startProgram builds a program of cmd and runs it. For profiles, it runs this program as an api that profiles itself.
func (b *bench) startProgram(ctx context.Context, name string, env map[string]string) (*process.Process, error) {
	spec := process.Spec{Path: filepath.Join(b.servers.folder, "bin-"+name), Stderr: os.Stderr}
	if b.profiles != "" && name == "api" {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		spec.Path = program
		spec.Env = append(spec.Env, childAPI+"="+b.profilePath(name, b.profiled))
		b.profiled++
	} else if output, err := exec.CommandContext(ctx, "go", "build", "-C", "../..", "-o", spec.Path, "./cmd/"+name).CombinedOutput(); err != nil { //nolint:gosec // the path is this program's
		return nil, fmt.Errorf("build %s: %w\n%s", name, err, output)
	}
	for name, value := range env {
		spec.Env = append(spec.Env, name+"="+value)
	}
	return process.Start(spec)
}

// childAPI is the environment variable that makes this program an api, which writes a profile to the file that it names.
const childAPI = "TICKETING_BENCH_API"

func runChildAPI() error {
	stop, err := startProfile(os.Getenv(childAPI))
	if err != nil {
		return err
	}
	defer stop()
	status := parts.APIProgram().Main(nil)
	if status != 0 {
		return fmt.Errorf("the api ended with %d", status)
	}
	return nil
}

func awaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask whether the api is ready: %w", err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the api does not get ready: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
