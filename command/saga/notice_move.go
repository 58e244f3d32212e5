package saga

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/eventstore"
)

// noticeMove writes to every customer of a part who had seats of an event when it moved.
func (c Config) noticeMove(ctx context.Context, by command.Caller, a moveJob) error {
	if a.Until == 0 {
		all, err := c.mergeMoves(ctx, a)
		if err != nil {
			return err
		}
		return c.splitEvent(ctx, by, a.EventID, func(part command.Versions) river.JobArgs {
			return moveJob{EventID: a.EventID, Version: a.Version, Window: a.Window, After: part.After, Until: part.Until, Move: all}
		})
	}
	reservationIDs, err := c.Service.Holders(ctx, a.EventID, command.Versions{After: a.After, Until: a.Until})
	if err != nil {
		return err
	}
	mails := make([]job, len(reservationIDs))
	for i, id := range reservationIDs {
		mails[i] = job{args: mailJob{Mail: EventMovedMail, ID: id, Version: a.Version, Move: &a.Move}, cause: causeOfCaller(by), priority: wholeEvent}
	}
	err = c.makeJobs(ctx, func(tx pgx.Tx) ([]job, error) { return newMails(ctx, tx, mails) })
	if err != nil {
		return fmt.Errorf("write to the customers of event %s, which moved: %w", a.EventID, err)
	}
	return nil
}

const movesRead = 500 // domain events of an event that are read at a time

// mergeMoves returns the first move of a window with all that followed in it as one.
func (c Config) mergeMoves(ctx context.Context, a moveJob) (move, error) {
	all := a.Move
	if a.Window == 0 {
		return all, nil
	}
	end := time.Unix(a.Window, 0).Add(moveWindow)
	for after := a.Version; ; {
		page, err := eventstore.Reader{DB: c.Pool}.Range(ctx, event.Stream(a.EventID), eventstore.Range{After: after, Before: math.MaxInt64, Limit: movesRead})
		if err != nil {
			return all, err
		}
		for _, r := range page {
			if !r.RecordedAt.Before(end) {
				return all, nil
			}
			if err := all.follow(c.Registry, r); err != nil {
				return all, err
			}
			after = r.Version
		}
		if len(page) < movesRead {
			return all, nil
		}
	}
}

// follow adds the next domain event of the event.
func (m *move) follow(registry *eventstore.Registry, r eventstore.Recorded) error {
	decoded, err := registry.Decode(r.Type, r.SchemaVersion, r.Data)
	if err != nil {
		return fmt.Errorf("decode %s: %w", r.ID(), err)
	}
	if e, ok := decoded.(event.EventUpdated); ok && e.Was != nil {
		m.Last, m.At = e.Was, r.RecordedAt.UTC()
		if e.Reason != "" {
			m.Reason = e.Reason
		}
	}
	return nil
}
