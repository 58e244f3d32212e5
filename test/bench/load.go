package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// work executes a client's n-th command and returns when it is durable.
type work func(ctx context.Context, client, n int) error

// measured is the result of a load.
type measured struct {
	Done      int
	Took      time.Duration
	Latencies []time.Duration // sorted
}

func (m measured) perSecond() float64 { return float64(m.Done) / m.Took.Seconds() }

func (m measured) quantile(q float64) time.Duration {
	if len(m.Latencies) == 0 {
		return 0
	}
	return m.Latencies[min(int(q*float64(len(m.Latencies))), len(m.Latencies)-1)]
}

func (m measured) String() string {
	if len(m.Latencies) == 0 {
		return fmt.Sprintf("%7.0f/s", m.perSecond())
	}
	return fmt.Sprintf("%7.0f/s   p50 %6.2f ms   p99 %6.2f ms   max %6.2f ms", m.perSecond(), milliseconds(m.quantile(0.5)), milliseconds(m.quantile(0.99)), milliseconds(m.quantile(1)))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// plusLater adds a result of another time: the rate is then that of both times together.
func (m measured) plusLater(other measured) measured {
	return measured{m.Done + other.Done, m.Took + other.Took, mergeSorted(m.Latencies, other.Latencies)}
}

// plusParallel adds a result of the same time.
func (m measured) plusParallel(other measured) measured {
	return measured{m.Done + other.Done, max(m.Took, other.Took), mergeSorted(m.Latencies, other.Latencies)}
}

func mergeSorted(a, b []time.Duration) []time.Duration {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return all
}

// closedLoop runs n clients for a time, each of which sends a command as soon as the one before is durable.
func closedLoop(ctx context.Context, n int, d time.Duration, do work) (measured, error) {
	latencies := make([][]time.Duration, n)
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for client := range n {
		g.Go(func() error {
			for i := 0; time.Since(began) < d; i++ {
				sent := time.Now()
				if err := do(ctx, client, i); err != nil {
					return err
				}
				latencies[client] = append(latencies[client], time.Since(sent))
			}
			return nil
		})
	}
	err := g.Wait()
	m := measured{Took: time.Since(began), Latencies: mergeSorted(slices.Concat(latencies...), nil)}
	m.Done = len(m.Latencies)
	return m, err
}

// openLoop sends commands at random times at a rate, whether or not those before have finished: a latency counts from when a command was
// due, so that a pause counts for all commands that came during it.
func openLoop(ctx context.Context, rate float64, d time.Duration, do work) (measured, error) {
	var mu sync.Mutex
	var m measured
	var sent atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for due := began; due.Sub(began) < d; due = due.Add(time.Duration(rand.ExpFloat64() / rate * float64(time.Second))) { //nolint:gosec // no secret
		time.Sleep(time.Until(due))
		g.Go(func() error {
			n := int(sent.Add(1))
			if err := do(ctx, n%clients, n/clients); err != nil {
				return err
			}
			latency := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			m.Latencies = append(m.Latencies, latency)
			return nil
		})
	}
	err := g.Wait()
	m.Done, m.Took = len(m.Latencies), time.Since(began)
	slices.Sort(m.Latencies)
	return m, err
}
