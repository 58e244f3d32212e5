package saga

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/webhook"
)

// Every job has an effect outside, and each kind has a queue of its own, so that one that hangs delays no other. Arguments are ids only, and
// hold nothing personal.

// refundJob has the gateway give money back.
type refundJob struct {
	PaymentID string `json:"payment_id"`
	RefundID  string `json:"refund_id"       river:"unique"`
	Retry     int64  `json:"retry,omitempty" river:"unique"` // the version of the request to try again, which the job of an earlier one must not delay
}

// reconcileJob asks the gateway about a payment that was left undecided.
type reconcileJob struct {
	PaymentID string `json:"payment_id" river:"unique"`
}

// windUpJob ends the reservations of a cancelled event that were made in a part of its history. Without one it makes the jobs of all parts.
type windUpJob struct {
	EventID string `json:"event_id"        river:"unique"`
	After   int64  `json:"after,omitempty" river:"unique"`
	Until   int64  `json:"until,omitempty" river:"unique"`
}

// moveJob writes to the customers of an event that moved who reserved in a part of its history. Without one it makes the jobs of all parts, of
// all moves of its window.
type moveJob struct {
	EventID string `json:"event_id"         river:"unique"`
	Version int64  `json:"version"`                         // of the event after the first move
	Window  int64  `json:"window,omitempty" river:"unique"` // its beginning, in Unix seconds; 0 in jobs from before windows
	After   int64  `json:"after,omitempty"  river:"unique"`
	Until   int64  `json:"until,omitempty"  river:"unique"`
	Move    move   `json:"move"`
}

// moveWindow is how often at most customers are written to because their event moved: an organizer may move it again and again.
const moveWindow = 10 * time.Minute

// move is how an event moved, once or several times.
type move struct {
	Was    event.Place  `json:"was"`              // before the first move
	First  time.Time    `json:"first,omitzero"`   // when that was
	Last   *event.Place `json:"last,omitempty"`   // before the last move; nil: that is the first
	Reason string       `json:"reason,omitempty"` // the last that was given
	At     time.Time    `json:"at"`               // of the last move: who reserves later knows
}

// before returns the place that a customer knew, who reserved then. Of those between the moves it is the one before the last.
func (m *move) before(reservedAt time.Time) event.Place {
	if m.Last != nil && reservedAt.After(m.First) {
		return *m.Last
	}
	return m.Was
}

// mailJob sends a mail to a customer or an organizer.
type mailJob struct {
	Mail      Mail   `json:"mail"                 river:"unique"`
	ID        string `json:"id"                   river:"unique"` // of the reservation, the refund, the refund's attempt, or the dispute
	Version   int64  `json:"version,omitempty"    river:"unique"` // of the event that moved
	PaymentID string `json:"payment_id,omitempty"`                // of a refund or dispute
	Move      *move  `json:"move,omitempty"`
}

// key returns what the mail is about, of which there is one mail.
func (j mailJob) key() string {
	if j.Version == 0 {
		return j.ID
	}
	return j.ID + "/" + strconv.FormatInt(j.Version, 10)
}

// Kind is part of river.JobArgs, as its namesakes below are.
func (refundJob) Kind() string    { return "refund" }
func (reconcileJob) Kind() string { return "reconcile" }
func (windUpJob) Kind() string    { return "event_cancelled" }
func (moveJob) Kind() string      { return "event_moved" }
func (mailJob) Kind() string      { return "mail" }

func jobKinds() []string {
	return []string{
		refundJob{}.Kind(), reconcileJob{}.Kind(), windUpJob{}.Kind(), moveJob{}.Kind(), mailJob{}.Kind(), webhook.Job{}.Kind(), webhook.ForgetJob{}.Kind(),
	}
}

// queueOf returns the queue of a kind of jobs.
func queueOf(kind string) string {
	return map[string]string{"refund": "refunds", "reconcile": "payments", "event_cancelled": "events", "event_moved": "events", "mail": "mails"}[kind]
}

// job is what the follower makes of a domain event. Its cause becomes the job's metadata.
type job struct {
	args river.JobArgs
	cause

	dueAt    time.Time // zero: now
	priority int       // 1 (the default) to 4: jobs of a queue with a lower number come first
}

// Priorities of refunds and mails. What one customer waits for does not wait for all those of a large event that is cancelled or moves.
const (
	onePurchase = 1 // tickets, and refunds that were requested one by one
	oneRefund   = 2 // mails about refunds, which may be those of a cancelled event
	wholeEvent  = 4
)

// liveStates are the states in which a job keeps others with its arguments from being made. A job that has ended does not: following the log
// again makes it again, and its use case finds nothing to do. (Mails are sent once: see newMails.)
func liveStates() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
}

// insertJobs makes jobs in tx, except those that exist already.
func insertJobs(ctx context.Context, client *river.Client[pgx.Tx], tx pgx.Tx, jobs []job) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		metadata, err := json.Marshal(j.cause)
		if err != nil {
			return fmt.Errorf("encode the cause of a job: %w", err)
		}
		params[i] = river.InsertManyParams{Args: j.args, InsertOpts: &river.InsertOpts{
			MaxAttempts: lastAttempt, Metadata: metadata, Queue: queueOf(j.args.Kind()), ScheduledAt: j.dueAt, Priority: j.priority,
			UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: liveStates()},
		}}
	}
	if _, err := client.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("insert %d jobs: %w", len(jobs), err)
	}
	return nil
}

// mailKey is the primary key of customer_mails.
type mailKey struct {
	mail  Mail
	about string
}

// newMails records in tx that the mails are requested, and returns those that never were before.
func newMails(ctx context.Context, tx pgx.Tx, requested []job) ([]job, error) {
	if len(requested) == 0 {
		return nil, nil
	}
	kinds, ids := make([]string, len(requested)), make([]string, len(requested))
	byKey := make(map[mailKey]job, len(requested))
	for i, j := range requested {
		args := j.args.(mailJob) //nolint:forcetypeassert // callers pass only mails
		kinds[i], ids[i] = string(args.Mail), args.key()
		byKey[mailKey{args.Mail, args.key()}] = j
	}
	rows, err := tx.Query(ctx, `INSERT INTO customer_mails (mail, id) SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS m(mail, id)
		ORDER BY mail, id ON CONFLICT DO NOTHING RETURNING mail, id`, kinds, ids)
	if err != nil {
		return nil, fmt.Errorf("record mails: %w", err)
	}
	var fresh []job
	var key mailKey
	_, err = pgx.ForEachRow(rows, []any{&key.mail, &key.about}, func() error {
		fresh = append(fresh, byKey[key])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record mails: %w", err)
	}
	return fresh, nil
}

// callerOf returns the caller of a job's use case.
func callerOf(row *rivertype.JobRow) (command.Caller, error) {
	var by cause
	if err := json.Unmarshal(row.Metadata, &by); err != nil {
		return command.Caller{}, fmt.Errorf("decode the cause of job %d: %w", row.ID, err)
	}
	return by.caller(), nil
}
