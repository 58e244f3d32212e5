package mail

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// The queue's bounds. A mail server that is away for longer than the pauses together loses the mails that were tried meanwhile:
// whoever waits for one asks for another.
const (
	queueLength  = 1000
	queueWorkers = 4
)

var pauses = []time.Duration{time.Second, 5 * time.Second, 25 * time.Second}

// Queue sends mails in the background, so that how long a mail takes says nothing to whoever asked for it. It is held in memory,
// for mails that are worthless after a restart; what must arrive belongs into a durable job.
type Queue struct {
	mailer  Mailer
	log     *slog.Logger
	waiting chan Message
	closing chan struct{} // closed: no new mails, no more waiting before another try
	once    sync.Once
	cancel  context.CancelFunc
	workers sync.WaitGroup
	mu      sync.RWMutex // held for reading while a mail is put in, so that nothing is put into a closed channel
	closed  bool
}

// NewQueue answers a queue whose workers run until Close.
func NewQueue(m Mailer, log *slog.Logger) *Queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{mailer: m, log: log, waiting: make(chan Message, queueLength), closing: make(chan struct{}), cancel: cancel}
	for range queueWorkers {
		q.workers.Go(func() { q.sendQueued(ctx) })
	}
	return q
}

// Enqueue takes a mail over without waiting. Error: ErrQueueFull.
func (q *Queue) Enqueue(m Message) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return ErrQueueFull
	}
	select {
	case q.waiting <- m:
		return nil
	default:
		return ErrQueueFull
	}
}

// Close takes no more mails, tries each that waits once more, and returns when all are done, or with ctx's error when it ends
// first: what then still waits is lost.
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
			return // Close says that mails were lost
		}
		if err := q.deliverMail(ctx, m); err != nil {
			q.log.ErrorContext(ctx, "mail not sent", "error", err)
		}
	}
}

// deliverMail tries until the mail is sent, hopeless, or tried often enough.
func (q *Queue) deliverMail(ctx context.Context, m Message) error {
	for _, pause := range pauses {
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
