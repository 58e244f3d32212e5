package saga

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ticketing/command"
)

// windUpEvent writes to every customer with a reservation of a cancelled event, and then ends the reservations. The mails become jobs first,
// since reservations that have ended are not found any more.
func (c Config) windUpEvent(ctx context.Context, by command.Caller, a windUpJob) error {
	reservationIDs, err := c.Service.Holders(ctx, a.EventID)
	if err != nil {
		return err
	}
	client, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return fmt.Errorf("find the saga's jobs: %w", err)
	}
	mails := make([]job, len(reservationIDs))
	for i, id := range reservationIDs {
		mails[i] = job{args: mailJob{Mail: EventCancelledMail, ID: id}, cause: causeOfCaller(by)}
	}
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		fresh, err := newMails(ctx, tx, mails)
		if err != nil {
			return err
		}
		return insertJobs(ctx, client, tx, fresh)
	})
	if err != nil {
		return fmt.Errorf("write to the customers of cancelled event %s: %w", a.EventID, err)
	}
	return c.Service.WindUpEvent(ctx, by, a.EventID)
}
