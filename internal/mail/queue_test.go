package mail

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"ticketing/internal/mail/mailtest"
)

// mailerFunc is a mailer of one function.
type mailerFunc func(context.Context, Message) error

func (f mailerFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

func TestCloseSendsWhatWaits(t *testing.T) {
	var sent atomic.Int64
	q := NewQueue(mailerFunc(func(context.Context, Message) error { sent.Add(1); return nil }), slog.New(slog.DiscardHandler))
	for range 100 {
		if err := q.Enqueue(Message{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sent.Load() != 100 {
		t.Errorf("%d of 100 mails were sent", sent.Load())
	}
	if err := q.Enqueue(Message{}); !errors.Is(err, ErrQueueFull) {
		t.Errorf("a closed queue answers %v", err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := NewQueue(mailerFunc(func(ctx context.Context, _ Message) error { <-ctx.Done(); return ctx.Err() }), slog.New(slog.DiscardHandler))
	var err error
	taken := 0
	for ; err == nil; taken++ {
		err = q.Enqueue(Message{})
	}
	if !errors.Is(err, ErrQueueFull) || taken > queueLength+queueWorkers+1 {
		t.Errorf("the queue took %d mails and answered %v", taken, err)
	}
	cancel()
	if err := q.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("closing in a hurry answers %v", err)
	}
}

func TestPassingFailureIsTriedAgain(t *testing.T) {
	post := mailtest.Open(t, mailtest.Options{Busy: func(n int) bool { return n == 1 }})
	q := NewQueue(open(t, "smtp://"+post.Address), slog.New(slog.DiscardHandler))
	if err := q.Enqueue(Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(t.Context()); err != nil { // closing doesn't wait for the pause before another try
		t.Fatal(err)
	}
	if asked := len(post.Got()); asked != 2 {
		t.Errorf("the server was asked %d times", asked)
	}
}

func TestHopelessMailIsTriedOnce(t *testing.T) {
	var tries atomic.Int64
	q := NewQueue(mailerFunc(func(context.Context, Message) error {
		tries.Add(1)
		return refusal{code: 550}
	}), slog.New(slog.DiscardHandler))
	if err := q.Enqueue(Message{}); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tries.Load() != 1 {
		t.Errorf("it was tried %d times", tries.Load())
	}
}
