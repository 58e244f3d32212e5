package graph

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/command/eventstore"
	"ticketing/internal/testenv"
)

func TestHeadsAreReadOnceForAllWhoAskMeanwhile(t *testing.T) {
	t.Parallel()
	const callers = 20
	var reads int64
	begun, goOn := make(chan struct{}, callers), make(chan struct{})
	h := &heads{timeout: testenv.Patience, logger: slog.New(slog.DiscardHandler), read: func(context.Context) (eventstore.Head, error) {
		reads++ // one at a time
		begun <- struct{}{}
		<-goOn
		return eventstore.Head{Position: reads}, nil
	}}
	var all errgroup.Group
	ask := func(want int64) {
		r := h.join()
		all.Go(func() error {
			<-r.done
			if r.head.Position != want {
				return fmt.Errorf("read %d instead of %d", r.head.Position, want)
			}
			return r.err
		})
	}
	ask(1)
	<-begun
	for range callers {
		ask(2) // the first read may have missed what these have committed
	}
	close(goOn)
	require.NoError(t, all.Wait())
	require.EqualValues(t, 2, reads)

	head, err := h.readAfter(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, head.Position, "nothing is remembered")
}

func TestAHeadIsNotWaitedForAfterTheCallerLeft(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	defer close(goOn)
	h := &heads{timeout: time.Minute, read: func(context.Context) (eventstore.Head, error) {
		<-goOn
		return eventstore.Head{}, nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.readAfter(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAPanicFailsOneReadOfTheHead(t *testing.T) {
	t.Parallel()
	panics := true
	h := &heads{timeout: testenv.Patience, logger: slog.New(slog.DiscardHandler), read: func(context.Context) (eventstore.Head, error) {
		if panics {
			panics = false
			panic("a bug")
		}
		return eventstore.Head{Position: 7}, nil
	}}
	_, err := h.readAfter(t.Context())
	require.ErrorIs(t, err, errPanicked)
	head, err := h.readAfter(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 7, head.Position)
}
