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

// work is one command of a client, the n-th; it answers when the command is durable.
type work func(ctx context.Context, client, n int) error

// measured is what a load came to.
type measured struct {
	Done      int
	Took      time.Duration
	Latencies []time.Duration // sorted
}

func (m measured) rate() float64 { return float64(m.Done) / m.Took.Seconds() }

func (m measured) quantile(q float64) time.Duration {
	if len(m.Latencies) == 0 {
		return 0
	}
	return m.Latencies[min(int(q*float64(len(m.Latencies))), len(m.Latencies)-1)]
}

func (m measured) String() string {
	if len(m.Latencies) == 0 {
		return fmt.Sprintf("%7.0f/s", m.rate())
	}
	return fmt.Sprintf("%7.0f/s   p50 %6.2f ms   p99 %6.2f ms   max %6.2f ms", m.rate(), ms(m.quantile(0.5)), ms(m.quantile(0.99)), ms(m.quantile(1)))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// and adds what was measured at another time: the rate is then that of both times together.
func (m measured) and(other measured) measured {
	return measured{m.Done + other.Done, m.Took + other.Took, merge(m.Latencies, other.Latencies)}
}

// beside adds what was measured at the same time.
func (m measured) beside(other measured) measured {
	return measured{m.Done + other.Done, max(m.Took, other.Took), merge(m.Latencies, other.Latencies)}
}

func merge(a, b []time.Duration) []time.Duration {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return all
}

// closedLoop has n clients work for a time, each as fast as it is answered.
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
	m := measured{Took: time.Since(began), Latencies: merge(slices.Concat(latencies...), nil)}
	m.Done = len(m.Latencies)
	return m, err
}

// openLoop has commands come in at random at a rate, whether those before are answered or not: a latency counts from when a command was
// due, so that a pause is charged to all who came in it.
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
