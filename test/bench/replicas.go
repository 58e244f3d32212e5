package main

import (
	"context"
	"errors"
	"time"

	"ticketing/migrations"
)

// benchReplicas measures one hot event sold by three processes, with a third of the clients each, against the same by one process. The
// processes share only the database, as api replicas do.
func benchReplicas(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.createDatabase(ctx, "replicas", migrations.Events)
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
			eventID, err := m.createEvent(ctx, newFloor())
			if err != nil {
				return err
			}
			j := job{URL: url, Events: []string{eventID}, Time: b.round}
			return b.measureSide(sum, name, func() (measured, error) { return runTogether(splitJob(j, processes, b.profilePath(profile, round))...) })
		}
	}
	if err := b.takeTurns(side(&alone, "one process", "one", 1), side(&three, "three processes", "three", 3)); err != nil {
		return err
	}
	b.printFigure("three_replicas_ratio", three.perSecond()/alone.perSecond())
	b.printFigure("three_replicas_slowest_ms", milliseconds(three.quantile(1)))
	return nil
}

// benchLatency measures commands at random times, at a tenth of the top rate of one process: by one process, and by three
// that get a third each.
func benchLatency(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.createDatabase(ctx, "latency", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	eventID, err := m.createEvent(ctx, newFloor())
	if err != nil {
		return err
	}
	j := job{URL: url, Events: []string{eventID}, Time: b.round}
	var top, alone, three measured
	if err := b.measureSide(&top, "top rate", func() (measured, error) { return runTogether(splitJob(j, 1, "")...) }); err != nil {
		return err
	}
	side := func(sum *measured, name, profile string, processes int) func(round int) error {
		return func(round int) error {
			j := j
			j.Rate, j.Time = top.perSecond()/10, max(b.round, time.Second)
			return b.measureSide(sum, name, func() (measured, error) { return runTogether(splitJob(j, processes, b.profilePath(profile, round))...) })
		}
	}
	if err := b.takeTurns(side(&alone, "a tenth, one process", "tenth-one", 1), side(&three, "a tenth, three processes", "tenth-three", 3)); err != nil {
		return err
	}
	b.printFigure("latency_p50_ms", milliseconds(alone.quantile(0.5)))
	b.printFigure("latency_p99_ms", milliseconds(alone.quantile(0.99)))
	b.printFigure("latency_three_replicas_p50_ms", milliseconds(three.quantile(0.5)))
	b.printFigure("latency_three_replicas_p99_ms", milliseconds(three.quantile(0.99)))
	return nil
}

// splitJob divides a job's clients, or its rate, among processes. Only the first is profiled.
func splitJob(j job, processes int, profile string) []job {
	jobs := make([]job, processes)
	for i := range jobs {
		jobs[i] = j
		jobs[i].Clients = clients*(i+1)/processes - clients*i/processes
		jobs[i].Rate = j.Rate / float64(processes)
	}
	jobs[0].Profile = profile
	return jobs
}
