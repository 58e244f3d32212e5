package limits

import (
	"context"
	"fmt"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestAClientHasOneHeavyOperationAtATimeAndAllHaveAFew(t *testing.T) {
	t.Parallel()
	l := newLanes(2)
	leaveA := enter(t, l, "a", HeavyCost)
	requireFull(t, l, "a", HeavyCost, "one at a time")
	leaveB := enter(t, l, "b", 10*HeavyCost)
	requireFull(t, l, "c", HeavyCost, "the lane is full")
	enter(t, l, "a", 1)() // light ones wait for none of them
	leaveA()
	leaveB()
	enter(t, l, "a", HeavyCost)()
	require.Empty(t, l.clients)
}

func TestLightOperationsHaveAShareForEachClient(t *testing.T) {
	t.Parallel()
	l := newLanes(1)
	leave := enter(t, l, "a", lightShare/2)
	defer enter(t, l, "a", lightShare/2)()
	requireFull(t, l, "a", 1, "a third one is too much")
	defer enter(t, l, "b", HeavyCost-1)()
	defer enter(t, l, "a", HeavyCost)() // heavy ones wait for no light ones
	leave()
	enter(t, l, "a", 1)()
}

func TestWaitsForALaneAreCounted(t *testing.T) {
	t.Parallel()
	l := newLanes(1)
	leave := enter(t, l, "a", HeavyCost)
	entered := make(chan func())
	go func() {
		leave, err := l.Enter(t.Context(), "b", HeavyCost)
		if err != nil {
			leave = func() {}
		}
		entered <- leave
	}()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		waits := waitsFor(t, l, "heavy")
		return waits == 1, fmt.Sprint(waits)
	})
	leave()
	(<-entered)()
	require.Zero(t, waitsFor(t, l, "light"))
}

func waitsFor(t *testing.T, l *Lanes, lane string) float64 {
	t.Helper()
	var metric dto.Metric
	require.NoError(t, l.waits.WithLabelValues(lane).Write(&metric))
	return metric.GetCounter().GetValue()
}

// requireFull requires that there is no place, and that waiting in vain leaves nothing behind.
func requireFull(t *testing.T, l *Lanes, client string, cost int, why string) {
	t.Helper()
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := l.Enter(soon, client, cost)
	require.ErrorIs(t, err, context.DeadlineExceeded, why)
}

func enter(t *testing.T, l *Lanes, client string, cost int) (leave func()) {
	t.Helper()
	leave, err := l.Enter(t.Context(), client, cost)
	require.NoError(t, err)
	return leave
}
