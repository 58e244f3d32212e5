// Command bench measures the write side and the read side (make bench): what batching under one lock is worth, how fast read tables follow,
// what GraphQL costs, against baselines in the same run, on the same machine and the same durable PostgreSQL. Ratios travel, absolute figures do not; so baseline and engine take turns, round by round,
// and noise hits both. docs/benchmarks.md says what came out and what the figures mean.
//
// It starts servers of its own in a temporary folder, with fsync on, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"ticketing/internal/memory"
)

// clients is how many buyers there are at once, as the goals say.
const clients = 500

// mostTime bounds the whole run.
const mostTime = 15 * time.Minute

// benchmark is one thing that can be measured by itself.
type benchmark struct {
	name string
	what string
	run  func(context.Context, *bench) error
}

func benchmarks() []benchmark {
	return []benchmark{
		{"hot", "one hot section: engine, SELECT … FOR UPDATE, and the floor", hot},
		{"replicas", "one hot event: three processes and one", replicas},
		{"spread", "1,000 events at once: engine, and a transaction a command", spread},
		{"latency", "a tenth of the top rate: alone and with three replicas", latency},
		{"graphql", "reserveSeats over HTTP, sessions and idempotency on", graphQL},
		{"cold", "cold start on a stream of 1,000,000 domain events", cold},
		{"seats", "100,000 numbered seats in one event", seats},
		{"catchup", "projections come up with a full broker: records/s, and COPY of the same rows", catchUp},
		{"visible", "from the commit to the row in the read table, at 10 and 1,000 reservations/s", visible},
		{"reads", "GraphQL queries over HTTP, and a handler written by hand", reads},
		{"rebuild", "all read tables anew from 1,000,000 domain events", rebuild},
	}
}

// bench is one run.
type bench struct {
	out      io.Writer
	servers  *servers
	round    time.Duration // how long each side of a comparison works at a time
	rounds   int
	profiles string // folder for CPU profiles; empty: none
}

func main() {
	memory.Spend() // as the api does, for whatever is measured
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(childAPI) != "" {
		exit(runChildAPI())
		return
	}
	if os.Getenv(childHandler) != "" {
		exit(runChildHandler(ctx))
		return
	}
	if os.Getenv(childJob) != "" {
		exit(runChild(ctx))
		return
	}
	only := flag.String("only", "", "what to measure, separated by commas; empty: all")
	b := &bench{out: os.Stdout}
	flag.DurationVar(&b.round, "round", 2*time.Second, "how long each side works at a time")
	flag.IntVar(&b.rounds, "rounds", 6, "how often the sides take turns")
	flag.StringVar(&b.profiles, "profiles", "", "folder to write CPU profiles into")
	flag.Parse()
	exit(b.run(ctx, *only))
}

// exit is called last: deferred calls of its caller would not run.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what was asked for, one after the other.
func (b *bench) run(ctx context.Context, only string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if b.servers, err = startServers(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.servers.close()) }()
	if err := b.machine(ctx); err != nil {
		return err
	}
	for _, one := range chosen {
		b.say("\n%s: %s", one.name, one.what)
		began := time.Now()
		if err := one.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		b.say("  (%.0f s)", time.Since(began).Seconds())
	}
	return nil
}

func choose(only string) ([]benchmark, error) {
	all := benchmarks()
	if only == "" {
		return all, nil
	}
	names := strings.Split(only, ",")
	chosen := slices.DeleteFunc(slices.Clone(all), func(b benchmark) bool { return !slices.Contains(names, b.name) })
	if len(chosen) != len(names) {
		return nil, fmt.Errorf("ONLY=%s: there are %s", only, strings.Join(namesOf(all), ", "))
	}
	return chosen, nil
}

func namesOf(all []benchmark) []string {
	var names []string
	for _, b := range all {
		names = append(names, b.name)
	}
	return names
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format+"\n", args...) }

// figure prints one result on a line of its own.
func (b *bench) figure(name string, value float64) { b.say("%s=%.2f", name, value) }

// turns runs the sides of a comparison one after the other in each round, in rotating order.
func (b *bench) turns(sides ...func(round int) error) error {
	for round := range b.rounds {
		for i := range sides {
			if err := sides[(round+i)%len(sides)](round); err != nil {
				return err
			}
		}
	}
	return nil
}
