package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketing/internal/wait"
)

// crowdSize is how many connections the customers of an on-sale have together, more than the api lets in at a time.
const crowdSize = 4_096

// excess is how much more arrives than the api can do.
const excess = 3

// benchOverload measures what an api does when three times as much arrives as it can do: first its capacity, which connections that always have
// another request find out, then requests that arrive at random times at three times that rate, whether or not those before are done. A latency
// counts from when a request was due.
func benchOverload(ctx context.Context, b *bench) (err error) {
	_, env, stop, err := b.apiEnvironment(ctx, "overload")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	side := &loadedAPI{name: "at 1x: as fast as it can"}
	defer func() { err = errors.Join(err, side.stop()) }()
	if err := side.start(ctx, b, env, crowdSize); err != nil {
		return err
	}
	busy := *side
	busy.reservers = side.reservers[:connections]
	turn := busy.round(ctx, b)
	var all arrivals
	for round := range b.rounds {
		if err := turn(round); err != nil {
			return err
		}
		a, err := arrive(ctx, side.reservers, excess*busy.all.perSecond(), b.round)
		if err != nil {
			return err
		}
		b.printf("  %-26s %s", "at 3x: accepted", a.accepted)
		b.printf("  %-26s %s", "at 3x: refused", a.refused)
		all.accepted, all.refused = all.accepted.plusLater(a.accepted), all.refused.plusLater(a.refused)
	}
	b.printFigure("overload_capacity_per_s", busy.all.perSecond())
	b.printFigure("overload_capacity_p50_ms", milliseconds(busy.all.quantile(0.5)))
	b.printFigure("overload_capacity_p99_ms", milliseconds(busy.all.quantile(0.99)))
	b.printFigure("overload_offered_per_s", all.accepted.perSecond()+all.refused.perSecond())
	b.printFigure("overload_accepted_per_s", all.accepted.perSecond())
	b.printFigure("overload_accepted_p50_ms", milliseconds(all.accepted.quantile(0.5)))
	b.printFigure("overload_accepted_p99_ms", milliseconds(all.accepted.quantile(0.99)))
	b.printFigure("overload_refused_p50_ms", milliseconds(all.refused.quantile(0.5)))
	return nil
}

// arrivals are requests that were accepted and that were refused with UNAVAILABLE.
type arrivals struct{ accepted, refused measured }

// arrive sends requests at random times at a rate, over connections that take turns. One whose last request is not done sends the next one late,
// which counts as its latency.
func arrive(ctx context.Context, reservers []*httpReserver, rate float64, d time.Duration) (arrivals, error) {
	var mu sync.Mutex
	var a arrivals
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	pause := func() time.Duration {
		return time.Duration(rand.ExpFloat64() / rate * float64(len(reservers)) * float64(time.Second)) //nolint:gosec // no secret
	}
	for client, r := range reservers {
		g.Go(func() error {
			var accepted, refused []time.Duration
			n := 1 << 20 // its keys are others than those of before
			for due := began.Add(pause()); due.Sub(began) < d && wait.For(ctx, time.Until(due)) == nil; due = due.Add(pause()) {
				n++
				shed, err := r.tryTwo(client, n)
				switch {
				case err != nil:
					return err
				case shed:
					refused = append(refused, time.Since(due))
				default:
					accepted = append(accepted, time.Since(due))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			a.accepted.Latencies, a.refused.Latencies = append(a.accepted.Latencies, accepted...), append(a.refused.Latencies, refused...)
			return nil
		})
	}
	err := g.Wait()
	took := time.Since(began)
	for _, m := range []*measured{&a.accepted, &a.refused} {
		slices.Sort(m.Latencies)
		m.Done, m.Took = len(m.Latencies), took
	}
	return a, err
}
