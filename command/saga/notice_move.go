package saga

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ticketing/command"
)

// noticeMove writes to every customer of a part who had seats of an event when it moved.
func (c Config) noticeMove(ctx context.Context, by command.Caller, a moveJob) error {
	if a.Until == 0 {
		return c.splitEvent(ctx, by, a.EventID, func(part command.Versions) river.JobArgs {
			return moveJob{EventID: a.EventID, Version: a.Version, After: part.After, Until: part.Until, Move: a.Move}
		})
	}
	reservationIDs, err := c.Service.Holders(ctx, a.EventID, command.Versions{After: a.After, Until: a.Until})
	if err != nil {
		return err
	}
	mails := make([]job, len(reservationIDs))
	for i, id := range reservationIDs {
		mails[i] = job{args: mailJob{Mail: EventMovedMail, ID: id, Version: a.Version, Move: &a.Move}, cause: causeOfCaller(by)}
	}
	err = c.makeJobs(ctx, func(tx pgx.Tx) ([]job, error) { return newMails(ctx, tx, mails) })
	if err != nil {
		return fmt.Errorf("write to the customers of event %s, which moved: %w", a.EventID, err)
	}
	return nil
}
