package saga

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ticketing/command"
)

// mailsPage is how many mails one transaction requests: an event may have a million customers.
const mailsPage = 500

// noticeMove writes to every customer who had seats of an event when it moved.
func (c Config) noticeMove(ctx context.Context, by command.Caller, a moveJob) error {
	reservationIDs, err := c.Service.Holders(ctx, a.EventID)
	if err != nil {
		return err
	}
	client, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return fmt.Errorf("find the saga's jobs: %w", err)
	}
	for page := range slices.Chunk(reservationIDs, mailsPage) {
		mails := make([]job, len(page))
		for i, id := range page {
			mails[i] = job{args: mailJob{Mail: EventMovedMail, ID: id, Version: a.Version, Move: &a.Move}, cause: causeOfCaller(by)}
		}
		err := pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
			fresh, err := newMails(ctx, tx, mails)
			if err != nil {
				return err
			}
			return insertJobs(ctx, client, tx, fresh)
		})
		if err != nil {
			return fmt.Errorf("write to the customers of event %s, which moved: %w", a.EventID, err)
		}
	}
	return nil
}
