// Command bench measures the write side and the read side (make bench): the gain from batching under one lock, how fast read tables follow,
// what GraphQL costs, against baselines in the same run, on the same machine and the same durable PostgreSQL. Ratios travel, absolute figures do not; so baseline and engine take turns, round by round,
// and noise hits both. docs/benchmarks.md has the results and what they mean.
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

// clients is the number of simultaneous customers in the goals.
const clients = 500

// mostTime bounds a run.
const mostTime = 15 * time.Minute

// benchmark is one thing that can be measured by itself.
type benchmark struct {
	name string
	what string
	run  func(context.Context, *bench) error
}

func allBenchmarks() []benchmark {
	return []benchmark{
		{"hot", "one hot section: engine, SELECT … FOR UPDATE, and the floor", benchHot},
		{"replicas", "one hot event: three processes and one", benchReplicas},
		{"spread", "1,000 events at once: engine, and a transaction a command", benchSpread},
		{"latency", "a tenth of the top rate: alone and with three replicas", benchLatency},
		{"graphql", "reserveSeats over HTTP, sessions and idempotency on, with 1 % of the traces and without", benchGraphQL},
		{"overload", "reserveSeats over HTTP: as much as it can, and three times as much", benchOverload},
		{"cold", "cold start on a stream of 1,000,000 domain events", benchCold},
		{"seats", "100,000 numbered seats in one event", benchSeats},
		{"catchup", "projections come up with a full broker: records/s, and COPY of the same rows", benchCatchUp},
		{"visible", "from the commit to the row in the read table, at 10 and 1,000 reservations/s", benchVisible},
		{"shop", "the event page, and a handler that writes the same bytes; the map of 20,000 seats in Chromium", benchShop},
		{"reads", "GraphQL queries over HTTP, and a handler written by hand", benchReads},
		{"fanout", "WebSockets: the api, and a broadcast by centrifuge; 10,000 of them while tickets are sold", benchFanout},
		{"rebuild", "all read tables anew from 1,000,000 domain events", benchRebuild},
	}
}

// bench is one run.
type bench struct {
	out      io.Writer
	servers  *servers
	round    time.Duration // how long each side of a comparison runs at a time
	rounds   int
	profiles string // folder for CPU profiles; empty: none
	profiled int    // programs that were started to write one
	watchers int    // WebSockets of each side of a comparison
	crowd    int    // WebSockets during a sale
}

func main() {
	memory.Spend() // as the api does, for whatever is measured
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(childAPI) != "" {
		exitWith(runChildAPI())
		return
	}
	if os.Getenv(childHandler) != "" {
		exitWith(runChildHandler(ctx))
		return
	}
	if os.Getenv(childCentrifuge) != "" {
		exitWith(runCentrifuge(ctx))
		return
	}
	if os.Getenv(childJob) != "" {
		exitWith(runChild(ctx))
		return
	}
	only := flag.String("only", "", "what to measure, separated by commas; empty: all")
	b := &bench{out: os.Stdout}
	flag.DurationVar(&b.round, "round", 2*time.Second, "how long each side works at a time")
	flag.IntVar(&b.rounds, "rounds", 6, "how often the sides take turns")
	flag.StringVar(&b.profiles, "profiles", "", "folder to write CPU profiles into")
	flag.IntVar(&b.watchers, "watchers", 2_000, "fanout: WebSockets of each side")
	flag.IntVar(&b.crowd, "crowd", 10_000, "fanout: WebSockets while tickets are sold")
	flag.Parse()
	exitWith(b.runAll(ctx, *only))
}

// exitWith is called last: deferred calls of its caller would not run.
func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runAll measures what was asked for, one after the other.
func (b *bench) runAll(ctx context.Context, only string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	chosen, err := chooseBenchmarks(only)
	if err != nil {
		return err
	}
	if b.servers, err = startServers(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.servers.stopAll()) }()
	if err := b.printMachine(ctx); err != nil {
		return err
	}
	for _, one := range chosen {
		b.printf("\n%s: %s", one.name, one.what)
		began := time.Now()
		if err := one.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		b.printf("  (%.0f s)", time.Since(began).Seconds())
	}
	return nil
}

func chooseBenchmarks(only string) ([]benchmark, error) {
	all := allBenchmarks()
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

func (b *bench) printf(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format+"\n", args...) }

// printFigure prints one result on a line of its own.
func (b *bench) printFigure(name string, value float64) { b.printf("%s=%.2f", name, value) }

// takeTurns runs the sides of a comparison one after the other in each round, in rotating order.
func (b *bench) takeTurns(sides ...func(round int) error) error {
	for round := range b.rounds {
		for i := range sides {
			if err := sides[(round+i)%len(sides)](round); err != nil {
				return err
			}
		}
	}
	return nil
}
