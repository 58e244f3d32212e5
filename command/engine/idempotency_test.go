package engine_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/rejection"
	"ticketing/internal/testenv"
)

func TestTheSameKeyIsOneCommand(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	pool := newPool(t, url, nil)
	one, _ := start(t, pool, nil)
	two, _ := start(t, newPool(t, url, nil), nil)
	var first, replayed atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		e := []*engine.Engine{one, two}[i%2]
		wg.Go(func() {
			result, err := e.Execute(t.Context(), withKey(add("1", 5), "mutation:k", "five"))
			if err != nil || result.Ref != "5" {
				t.Errorf("returned %+v, %v", result, err)
			}
			if result.Replayed {
				replayed.Add(1)
			} else {
				first.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, first.Load())
	require.EqualValues(t, 99, replayed.Load())
	requireSum(t, pool, "counter-1", 5)
}

func TestAKeyIsRefusedForAnotherRequest(t *testing.T) {
	t.Parallel()
	e, _ := start(t, newPool(t, logDB(t), nil), nil)
	mustExecute(t, e, withKey(add("1", 5), "k", "five"))
	_, err := e.Execute(t.Context(), withKey(add("1", 6), "k", "six"))
	r, ok := rejection.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, rejection.IdempotencyKeyReused, r.Code)
	other := withKey(add("1", 6), "k", "six")
	other.Key.Actor = "usr_other"
	require.Equal(t, 11, mustExecute(t, e, other), "keys are each actor's own")
}

func TestARejectionReplays(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, stop := start(t, pool, nil)
	_, err := e.Execute(t.Context(), withKey(addUpTo("1", 0), "k", "r"))
	require.Error(t, err)
	stop()
	again, _ := start(t, pool, nil)
	_, err = again.Execute(t.Context(), withKey(addUpTo("1", 10), "k", "r"))
	r, ok := rejection.As(err)
	require.True(t, ok, "the first outcome counts, although there is room now: %v", err)
	require.Equal(t, rejection.InsufficientInventory, r.Code)
	require.Equal(t, "0 is the limit", r.Message)
}

func TestTryAgainDoesNotReplay(t *testing.T) {
	t.Parallel()
	e, _ := start(t, newPool(t, logDB(t), nil), nil)
	for _, code := range []rejection.Code{rejection.GatewayUnavailable, rejection.Forbidden} {
		r := withKey(add("1", 1), string(code), "r")
		r.Decide = func(*engine.Tx) (engine.Decided, error) { return engine.Decided{}, rejection.New(code, "not now") }
		_, err := e.Execute(t.Context(), r)
		require.Error(t, err)
		mustExecute(t, e, withKey(add("1", 1), string(code), "r"))
	}
}

func TestAnOutdatedOutcomeIsDecidedAgain(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, stop := start(t, pool, nil)
	keyed := withKey(add("1", 1), "k", "r")
	outdated := true
	keyed.Outdated = func(_ *engine.Tx, ref string) (bool, error) { return outdated && ref == "1", nil }
	require.Panics(t, func() { _, _ = e.Execute(t.Context(), keyed) }, "its outcome may be where it is not asked")
	keyed.Key.Releasable = true
	mustExecute(t, e, keyed)
	require.Equal(t, 2, mustExecute(t, e, keyed), "decided again, and remembered anew")
	stop()
	e, _ = start(t, pool, nil)
	result, err := e.Execute(t.Context(), keyed)
	require.NoError(t, err)
	require.True(t, result.Replayed)
	require.Equal(t, "2", result.Ref)
	other := withKey(add("1", 1), "k", "another")
	other.Key.Releasable, other.Outdated = true, func(*engine.Tx, string) (bool, error) { return true, nil }
	_, err = e.Execute(t.Context(), other)
	require.ErrorContains(t, err, "different request")
}

func TestDuplicatesInOneBatchAreOneCommand(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	e.DecideWholeBatches()
	release := e.OccupyLoop()
	var first, replayed, refused atomic.Int64
	var waiting sync.WaitGroup
	for i := range 150 {
		waiting.Go(func() {
			request := "five"
			if i%3 == 2 {
				request = "another"
			}
			result, err := e.Execute(t.Context(), withKey(add("1", 5), "k", request))
			r, rejected := rejection.As(err)
			switch {
			case rejected && r.Code == rejection.IdempotencyKeyReused:
				refused.Add(1)
			case err != nil || result.Ref != "5":
				t.Errorf("returned %+v, %v", result, err)
			case result.Replayed:
				replayed.Add(1)
			default:
				first.Add(1)
			}
		})
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return e.Waiting() == 150, "the commands are not in the queue" })
	release()
	waiting.Wait()
	require.EqualValues(t, 1, first.Load())
	require.EqualValues(t, 149, replayed.Load()+refused.Load())
	require.Contains(t, []int64{50, 100}, refused.Load(), "whichever came first, the others are another request")
	requireSum(t, pool, "counter-1", 5)
}

func TestAKeyExpiresAfterADay(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	clock := testenv.NewClock(t, url)
	e, _ := start(t, newPool(t, url, nil), nil)
	keyed := withKey(add("1", 1), "k", "r")
	mustExecute(t, e, keyed)
	clock.Move(23 * time.Hour)
	result, err := e.Execute(t.Context(), keyed)
	require.NoError(t, err)
	require.True(t, result.Replayed)
	clock.Move(2 * time.Hour)
	require.Equal(t, 2, mustExecute(t, e, keyed))
}
