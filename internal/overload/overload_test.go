package overload_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/overload"
)

func TestAGateRefusesWhatIsInExcess(t *testing.T) {
	t.Parallel()
	gate := overload.NewGate(2)
	first, ok := gate.Enter(t.Context())
	require.True(t, ok)
	second, ok := gate.Enter(t.Context())
	require.True(t, ok)
	_, ok = gate.Enter(t.Context())
	require.False(t, ok)
	require.Equal(t, 2, gate.Inside())

	overload.Leave(first)
	overload.Leave(first)
	require.Equal(t, 1, gate.Inside(), "a place is given back once")
	overload.Leave(second)
	overload.Leave(t.Context())
	require.Zero(t, gate.Inside())
}

func TestWhatWaitsElsewhereTakesNoPlace(t *testing.T) {
	t.Parallel()
	gate := overload.NewGate(1)
	ctx, _ := gate.Enter(t.Context())
	back, backToo := overload.Wait(ctx), overload.Wait(ctx)
	require.Zero(t, gate.Inside(), "two waits of one operation free one place")
	other, ok := gate.Enter(t.Context())
	require.True(t, ok)
	back()
	require.Equal(t, 1, gate.Inside(), "it still waits")
	backToo()
	require.Equal(t, 2, gate.Inside(), "what was accepted goes on")
	_, ok = gate.Enter(t.Context())
	require.False(t, ok)
	overload.Leave(other)

	back = overload.Wait(ctx)
	overload.Leave(ctx)
	back()
	require.Zero(t, gate.Inside(), "it left while it waited")
	overload.Wait(t.Context())()
}

// arrived is what became of operations.
type arrived struct {
	accepted, refused int
	took              time.Duration // all that were accepted together
}

// arrive sends operations at a rate for a while, and waits for those that get in.
func arrive(t *testing.T, gate *overload.Gate, rate int, during time.Duration, work func(context.Context)) (a arrived) {
	t.Helper()
	var mu sync.Mutex
	var running sync.WaitGroup
	for began := time.Now(); time.Since(began) < during; time.Sleep(time.Second / time.Duration(rate)) {
		ctx, ok := gate.Enter(t.Context())
		if !ok {
			a.refused++
			continue
		}
		entered := time.Now()
		running.Go(func() {
			work(ctx)
			overload.Leave(ctx)
			mu.Lock()
			defer mu.Unlock()
			a.accepted++
			a.took += time.Since(entered)
		})
	}
	running.Wait()
	return a
}

func TestWhatIsAcceptedKeepsItsLatencyInOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, capacity = 512, 1_000 // half a second if all are inside
		gate, processor := overload.NewGate(most), make(chan struct{}, 1)
		work := func(context.Context) {
			processor <- struct{}{}
			time.Sleep(time.Second / capacity)
			<-processor
		}
		arrive(t, gate, 3*capacity, 2*time.Second, work)
		over := arrive(t, gate, 3*capacity, 5*time.Second, work)
		require.Less(t, over.took/time.Duration(over.accepted), 300*time.Millisecond)
		require.Greater(t, over.accepted, 5*capacity*95/100, "it is as busy as it can be")
		require.Greater(t, over.refused, 5*capacity)

		require.Zero(t, arrive(t, gate, capacity/2, 2*time.Second, work).refused)
		require.Equal(t, most, gate.Limit(), "it is over")
	})
}

func TestWhatIsSlowByItselfIsLetIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := overload.NewGate(512)
		slow := func(context.Context) { time.Sleep(400 * time.Millisecond) }
		require.Zero(t, arrive(t, gate, 10, time.Second, func(context.Context) { time.Sleep(time.Millisecond) }).refused)
		arrive(t, gate, 1_000, 3*time.Second, slow)
		require.Zero(t, arrive(t, gate, 1_000, 3*time.Second, slow).refused)
	})
}

func TestWaitingElsewhereIsNoSlowness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := overload.NewGate(8)
		arrive(t, gate, 100, 3*time.Second, func(ctx context.Context) {
			back := overload.Wait(ctx)
			time.Sleep(time.Second)
			back()
		})
		require.Equal(t, 8, gate.Limit())
	})
}
