package main

import (
	"context"
	"errors"

	"ticketing/internal/migrations"
)

// hot measures one hot section and 500 clients who reserve two tickets each, again and again: the engine (two domain events and an
// idempotency key a command) against the row lock, and against the floor, which appends the rows that the engine has just appended.
// Every round has a section of its own, so that all begin with an empty one.
func hot(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.database(ctx, "hot", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	copyURL, dropCopy, err := b.servers.database(ctx, "floor", migrations.Events)
	if err != nil {
		return err
	}
	defer dropCopy()
	baseline, err := bestPool(ctx, b, url, 1)
	if err != nil {
		return err
	}
	defer baseline.pool.Close()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	replay, err := openReplay(ctx, m.pool, copyURL)
	if err != nil {
		return err
	}
	defer replay.close()

	var locks, engine, appends measured
	err = b.turns(
		func(int) error {
			events, err := baseline.stage(ctx, 1)
			if err != nil {
				return err
			}
			return b.measure(&locks, "row lock", func() (measured, error) { return closedLoop(ctx, clients, b.round, baseline.reserve(events...)) })
		},
		func(round int) error {
			eventID, err := m.stage(ctx, floor())
			if err != nil {
				return err
			}
			err = b.measure(&engine, "engine", func() (measured, error) {
				return b.profiled("hot", round, func() (measured, error) { return closedLoop(ctx, clients, b.round, m.reserve(eventID)) })
			})
			if err != nil {
				return err
			}
			return b.measure(&appends, "floor", func() (measured, error) { return replay.next(ctx) })
		},
	)
	if err != nil {
		return err
	}
	b.say("  %.0f commands in a batch", float64(replay.commands)/float64(replay.batches))
	b.figure("hot_section_per_s", engine.rate())
	b.figure("hot_section_ratio", engine.rate()/locks.rate())
	b.figure("append_floor_ratio", engine.rate()/appends.rate())
	return nil
}
