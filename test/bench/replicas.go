package main

import (
	"context"
	"errors"
	"time"

	"ticketing/internal/migrations"
)

// replicas measures one hot event sold by three processes, with a third of the clients each, against the same by one process. The
// processes share only the database, as api replicas do.
func replicas(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.database(ctx, "replicas", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	var alone, three measured
	side := func(sum *measured, name, profile string, processes int) func(round int) error {
		return func(round int) error {
			eventID, err := m.stage(ctx, floor())
			if err != nil {
				return err
			}
			j := job{URL: url, Events: []string{eventID}, Time: b.round}
			return b.measure(sum, name, func() (measured, error) { return together(split(j, processes, b.profile(profile, round))...) })
		}
	}
	if err := b.turns(side(&alone, "one process", "one", 1), side(&three, "three processes", "three", 3)); err != nil {
		return err
	}
	b.figure("three_replicas_ratio", three.rate()/alone.rate())
	b.figure("three_replicas_slowest_ms", ms(three.quantile(1)))
	return nil
}

// latency measures commands that come in at a tenth of the rate that one process can do at most, at random times: one process, and three
// that get a third each.
func latency(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.database(ctx, "latency", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	eventID, err := m.stage(ctx, floor())
	if err != nil {
		return err
	}
	j := job{URL: url, Events: []string{eventID}, Time: b.round}
	var top, alone, three measured
	if err := b.measure(&top, "top rate", func() (measured, error) { return together(split(j, 1, "")...) }); err != nil {
		return err
	}
	side := func(sum *measured, name, profile string, processes int) func(round int) error {
		return func(round int) error {
			j := j
			j.Rate, j.Time = top.rate()/10, max(b.round, time.Second)
			return b.measure(sum, name, func() (measured, error) { return together(split(j, processes, b.profile(profile, round))...) })
		}
	}
	if err := b.turns(side(&alone, "a tenth, one process", "tenth-one", 1), side(&three, "a tenth, three processes", "tenth-three", 3)); err != nil {
		return err
	}
	b.figure("latency_p50_ms", ms(alone.quantile(0.5)))
	b.figure("latency_p99_ms", ms(alone.quantile(0.99)))
	b.figure("latency_three_replicas_p50_ms", ms(three.quantile(0.5)))
	b.figure("latency_three_replicas_p99_ms", ms(three.quantile(0.99)))
	return nil
}

// split shares a job's clients, or its rate, among processes. Only the first is profiled.
func split(j job, processes int, profile string) []job {
	jobs := make([]job, processes)
	for i := range jobs {
		jobs[i] = j
		jobs[i].Clients = clients*(i+1)/processes - clients*i/processes
		jobs[i].Rate = j.Rate / float64(processes)
	}
	jobs[0].Profile = profile
	return jobs
}
