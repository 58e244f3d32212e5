package mail

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ticketing/internal/telemetry"
)

// The queue's bounds. A mail that cannot be sent within all pauses is lost, and the user requests another.
const (
	maxQueued = 1000
	// queueWorkers is how many mails are sent at a time, each through a session of its own: when tickets go on sale, thousands of customers sign
	// in within minutes, and a server takes some 50 ms for a mail.
	queueWorkers = 16
)

var retryPauses = []time.Duration{time.Second, 5 * time.Second, 25 * time.Second}

// QueueConfig configures a Queue.
type QueueConfig struct {
	Mailer Mailer       // Required.
	Logger *slog.Logger // Default: slog.Default().
}

// Queue sends mails in the background, so that the time of a request does not depend on sending its mail. It is held in memory, for mails
// that are worthless after a restart; a mail that must arrive needs a durable job.
type Queue struct {
	mailer  Mailer
	log     *slog.Logger
	waiting chan queuedMail
	closing chan struct{} // closed: no new mails, no more pauses
	once    sync.Once
	cancel  context.CancelFunc
	workers sync.WaitGroup
	mu      sync.RWMutex // held for reading during Enqueue, so that it never sends on a closed channel
	closed  bool
}

// NewQueue returns a queue whose workers run until Close. It panics without a required field.
func NewQueue(c QueueConfig) *Queue {
	if c.Mailer == nil {
		panic("make a mail queue: Mailer is required")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{mailer: c.Mailer, log: c.Logger, waiting: make(chan queuedMail, maxQueued), closing: make(chan struct{}), cancel: cancel}
	for range queueWorkers {
		q.workers.Go(func() { q.sendQueued(ctx) })
	}
	return q
}

// queuedMail is a mail with the request that it belongs to.
type queuedMail struct {
	Message
	request context.Context
}

// Enqueue adds a mail without waiting; it is sent whether or not ctx ends. Its only error is ErrQueueFull.
func (q *Queue) Enqueue(ctx context.Context, m Message) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return ErrQueueFull
	}
	select {
	case q.waiting <- queuedMail{m, ctx}:
		return nil
	default:
		return ErrQueueFull
	}
}

// Close accepts no more mails, tries each queued one once more, and returns when all are done, or when ctx ends: then the rest is lost, and
// Close returns an error.
func (q *Queue) Close(ctx context.Context) error {
	q.once.Do(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.closed = true
		close(q.closing)
		close(q.waiting)
	})
	defer context.AfterFunc(ctx, q.cancel)()
	q.workers.Wait()
	q.cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("close the mail queue: %w", err)
	}
	return nil
}

func (q *Queue) sendQueued(ctx context.Context) {
	for m := range q.waiting {
		if ctx.Err() != nil {
			return // Close returns an error
		}
		sending := telemetry.Follow(ctx, m.request)
		if err := q.deliverMail(sending, m.Message); err != nil {
			q.log.ErrorContext(sending, "mail not sent", "error", err)
		}
	}
}

// deliverMail tries until the mail is sent, the error is final, or there are no more pauses.
func (q *Queue) deliverMail(ctx context.Context, m Message) error {
	for _, pause := range retryPauses {
		err := q.mailer.Send(ctx, m)
		if err == nil || !worthRetrying(err) || ctx.Err() != nil {
			return err
		}
		q.log.WarnContext(ctx, "mail not sent, trying again", "error", err, "after", pause)
		select {
		case <-time.After(pause):
		case <-q.closing:
			return q.mailer.Send(ctx, m)
		}
	}
	return q.mailer.Send(ctx, m)
}
