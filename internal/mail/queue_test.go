package mail

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
)

// mailerFunc is a mailer of one function.
type mailerFunc func(context.Context, Message) error

func (f mailerFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

func newTestQueue(m Mailer) *Queue {
	return NewQueue(QueueConfig{Mailer: m, Logger: slog.New(slog.DiscardHandler)})
}

func TestCloseSendsQueuedMails(t *testing.T) {
	var sent atomic.Int64
	q := newTestQueue(mailerFunc(func(context.Context, Message) error { sent.Add(1); return nil }))
	for range 100 {
		require.NoError(t, q.Enqueue(t.Context(), Message{}))
	}
	require.NoError(t, q.Close(t.Context()))
	require.EqualValues(t, 100, sent.Load())
	require.ErrorIs(t, q.Enqueue(t.Context(), Message{}), ErrQueueFull, "a closed queue accepts no mail")
}

func TestQueueIsBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := newTestQueue(mailerFunc(func(ctx context.Context, _ Message) error { <-ctx.Done(); return ctx.Err() }))
	var err error
	accepted := 0
	for ; err == nil; accepted++ {
		err = q.Enqueue(t.Context(), Message{})
	}
	require.ErrorIs(t, err, ErrQueueFull)
	require.LessOrEqual(t, accepted, maxQueued+queueWorkers+1)
	cancel()
	require.ErrorIs(t, q.Close(ctx), context.Canceled)
}

func TestATemporaryFailureIsRetried(t *testing.T) {
	post := mailtest.Open(t, mailtest.Config{Busy: func(n int) bool { return n == 1 }})
	q := newTestQueue(open(t, "smtp://"+post.Address))
	require.NoError(t, q.Enqueue(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}))
	require.NoError(t, q.Close(t.Context())) // it skips the pause before the next try
	require.Len(t, post.Got(), 2)
}

func TestAPermanentFailureIsNotRetried(t *testing.T) {
	var tries atomic.Int64
	q := newTestQueue(mailerFunc(func(context.Context, Message) error {
		tries.Add(1)
		return refusal{code: 550}
	}))
	require.NoError(t, q.Enqueue(t.Context(), Message{}))
	require.NoError(t, q.Close(t.Context()))
	require.EqualValues(t, 1, tries.Load())
}
