package main

import (
	"context"
	"errors"

	"ticketing/internal/migrations"
)

// spreadEvents are sold at once.
const spreadEvents = 1_000

// spread measures 1,000 events that are sold at once, to clients who each choose at random: one loop for all of them against
// transactions of their own, where two rarely want the same row and PostgreSQL commits many of them with one fsync.
func spread(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.database(ctx, "spread", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	baseline, err := bestPool(ctx, b, url, spreadEvents)
	if err != nil {
		return err
	}
	defer baseline.pool.Close()
	sections, err := baseline.stage(ctx, spreadEvents)
	if err != nil {
		return err
	}
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	events, err := m.stageMany(ctx, spreadEvents)
	if err != nil {
		return err
	}
	var engine, transactions measured
	err = b.turns(
		func(int) error {
			return b.measure(&transactions, "a transaction each", func() (measured, error) {
				return closedLoop(ctx, clients, b.round, baseline.reserve(sections...))
			})
		},
		func(round int) error {
			return b.measure(&engine, "engine", func() (measured, error) {
				return b.profiled("spread", round, func() (measured, error) { return closedLoop(ctx, clients, b.round, m.reserve(events...)) })
			})
		},
	)
	if err != nil {
		return err
	}
	b.figure("spread_per_s", engine.rate())
	b.figure("spread_ratio", engine.rate()/transactions.rate())
	return nil
}
