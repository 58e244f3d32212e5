package main

import (
	"context"
	"errors"

	"ticketing/migrations"
)

// spreadEvents is the number of events on sale at once.
const spreadEvents = 1_000

// benchSpread measures 1,000 events on sale at once, to clients who each choose at random: one loop for all of them against
// transactions of their own, where two rarely want the same row and PostgreSQL commits many of them with one fsync.
func benchSpread(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.createDatabase(ctx, "spread", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	baseline, err := bestPool(ctx, b, url, spreadEvents)
	if err != nil {
		return err
	}
	defer baseline.pool.Close()
	sections, err := baseline.createEvents(ctx, spreadEvents)
	if err != nil {
		return err
	}
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	events, err := m.createEvents(ctx, spreadEvents)
	if err != nil {
		return err
	}
	var engine, transactions measured
	err = b.takeTurns(
		func(int) error {
			return b.measureSide(&transactions, "a transaction each", func() (measured, error) {
				return closedLoop(ctx, clients, b.round, baseline.reserveWork(sections...))
			})
		},
		func(round int) error {
			return b.measureSide(&engine, "engine", func() (measured, error) {
				return b.withProfile("spread", round, func() (measured, error) { return closedLoop(ctx, clients, b.round, m.reserveWork(events...)) })
			})
		},
	)
	if err != nil {
		return err
	}
	b.printFigure("spread_per_s", engine.perSecond())
	b.printFigure("spread_ratio", engine.perSecond()/transactions.perSecond())
	return nil
}
