package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ticketing/projector"
)

// rebuildEvents is the length of the log to rebuild from.
const rebuildEvents = 1_000_000

// benchRebuild measures how long it takes to rebuild all read tables from a log of 1,000,000 domain events, one projection after the other, as
// `projector rebuild --all` does.
func benchRebuild(ctx context.Context, b *bench) (err error) {
	s, err := b.openReadSide(ctx, "rebuild", false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	began := time.Now()
	if err := newPurchases(newCustomers(catchUpCustomers)).writeLog(ctx, s.events, rebuildEvents); err != nil {
		return err
	}
	b.printf("  filled the log in %.1f s", time.Since(began).Seconds())
	var all measured
	for _, name := range projector.Names() {
		err := b.measureSide(&all, name, func() (measured, error) {
			return b.withProfile("rebuild-"+name, 0, func() (measured, error) {
				began := time.Now()
				err := projector.Rebuild(ctx, s.cfg, name)
				return measured{Done: rebuildEvents, Took: time.Since(began)}, err
			})
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	b.printFigure("rebuild_s", all.Took.Seconds())
	return nil
}
