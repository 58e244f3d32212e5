package main

import (
	"context"
	"errors"

	"ticketing/migrations"
)

// benchHot measures one hot section and 500 clients who each reserve two tickets again and again: the engine (two domain events and an
// idempotency key a command) against the row lock, and against the floor, which appends the rows that the engine has just appended.
// Every round has its own section, so that all start with an empty one.
func benchHot(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.createDatabase(ctx, "hot", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	copyURL, dropCopy, err := b.servers.createDatabase(ctx, "floor", migrations.Events)
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
	err = b.takeTurns(
		func(int) error {
			events, err := baseline.createEvents(ctx, 1)
			if err != nil {
				return err
			}
			return b.measureSide(&locks, "row lock", func() (measured, error) { return closedLoop(ctx, clients, b.round, baseline.reserveWork(events...)) })
		},
		func(round int) error {
			eventID, err := m.createEvent(ctx, newFloor())
			if err != nil {
				return err
			}
			err = b.measureSide(&engine, "engine", func() (measured, error) {
				return b.withProfile("hot", round, func() (measured, error) { return closedLoop(ctx, clients, b.round, m.reserveWork(eventID)) })
			})
			if err != nil {
				return err
			}
			return b.measureSide(&appends, "floor", func() (measured, error) { return replay.appendNew(ctx) })
		},
	)
	if err != nil {
		return err
	}
	b.printf("  %.0f commands in a batch", float64(replay.commands)/float64(replay.batches))
	b.printFigure("hot_section_per_s", engine.perSecond())
	b.printFigure("hot_section_ratio", engine.perSecond()/locks.perSecond())
	b.printFigure("append_floor_ratio", engine.perSecond()/appends.perSecond())
	return nil
}
