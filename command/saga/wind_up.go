package saga

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
)

// The reservations of an event are worked on part by part of its inventory's history, so that no step costs more for an event of any size.
const (
	eventPart   = 1_000 // domain events: a few seconds of one replica
	partsAtOnce = 1_000 // jobs that one transaction makes
	partsFirst  = 8     // of each event before the others of any, so that a large event does not keep small ones waiting
)

// windUpEvent writes to every customer with a reservation of a part, and then ends the reservations. The mails become jobs first, since
// reservations that have ended are not found any more.
func (c Config) windUpEvent(ctx context.Context, by command.Caller, a windUpJob) error {
	if a.Until == 0 {
		return c.splitEvent(ctx, by, a.EventID, func(part command.Versions) river.JobArgs {
			return windUpJob{EventID: a.EventID, After: part.After, Until: part.Until}
		})
	}
	part := command.Versions{After: a.After, Until: a.Until}
	reservationIDs, err := c.Service.Holders(ctx, a.EventID, part)
	if err != nil {
		return err
	}
	mails := make([]job, len(reservationIDs))
	for i, id := range reservationIDs {
		mails[i] = job{args: mailJob{Mail: EventCancelledMail, ID: id}, cause: causeOfCaller(by), priority: wholeEvent}
	}
	err = c.makeJobs(ctx, func(tx pgx.Tx) ([]job, error) { return newMails(ctx, tx, mails) })
	if err != nil {
		return fmt.Errorf("write to the customers of cancelled event %s: %w", a.EventID, err)
	}
	return c.Service.WindUpEvent(ctx, by, a.EventID, part)
}

// splitEvent makes the jobs of all parts of an event. None is missing: after a cancellation nothing is reserved, and who reserves after a move
// knows of it. If this is interrupted, it is tried again, and makes those that are not there.
func (c Config) splitEvent(ctx context.Context, by command.Caller, eventID string, of func(part command.Versions) river.JobArgs) error {
	newest, err := eventstore.Reader{DB: c.Pool}.Range(ctx, inventory.Stream(eventID), eventstore.Range{Before: math.MaxInt64, Limit: 1, Backward: true})
	if err != nil || len(newest) == 0 {
		return err
	}
	var jobs []job
	for after := int64(0); after < newest[0].Version; after += eventPart {
		priority := 1
		if after >= partsFirst*eventPart {
			priority = 2
		}
		jobs = append(jobs, job{
			args: of(command.Versions{After: after, Until: after + eventPart}), cause: causeOfCaller(by), priority: priority,
		})
		if len(jobs) == partsAtOnce || after+eventPart >= newest[0].Version {
			if err := c.makeJobs(ctx, func(pgx.Tx) ([]job, error) { return jobs, nil }); err != nil {
				return fmt.Errorf("split the work on event %s: %w", eventID, err)
			}
			jobs = nil
		}
	}
	return nil
}

// makeJobs makes the jobs that decide returns, in its transaction.
func (c Config) makeJobs(ctx context.Context, decide func(tx pgx.Tx) ([]job, error)) error {
	client, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return fmt.Errorf("find the saga's jobs: %w", err)
	}
	return pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		jobs, err := decide(tx)
		if err != nil {
			return err
		}
		return insertJobs(ctx, client, tx, jobs)
	})
}
