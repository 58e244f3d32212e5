package engine_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
)

// A shelf changes its state in place.
type (
	put   struct{ Item string }
	shelf map[string]int
)

var shelves = engine.Define("shelf", decidePut, evolvePut).InPlace(takeBack)

func decidePut(_ shelf, items []string, _ time.Time) (domainEvents []put, err error) {
	for _, item := range items {
		domainEvents = append(domainEvents, put{item})
	}
	return domainEvents, nil
}

func evolvePut(s shelf, e put) shelf {
	if s == nil {
		s = shelf{}
	}
	s[e.Item]++
	if e.Item == "too heavy" {
		panic("the shelf broke")
	}
	return s
}

func takeBack(s shelf, e put) shelf {
	if s[e.Item]--; s[e.Item] == 0 {
		delete(s, e.Item)
	}
	return s
}

// startBoth runs an engine that knows counters and shelves.
func startBoth(t *testing.T) *engine.Engine {
	t.Helper()
	e, _ := startWith(t, newPool(t, logDB(t), nil), func(c *engine.Config) {
		eventstore.Register[put](c.Registry, "Put", 1)
		c.Aggregates = append(c.Aggregates, shelves)
	})
	return e
}

func request(decide func(tx *engine.Tx) error) engine.Request {
	return engine.Request{
		Metadata: eventstore.Metadata{CorrelationID: "test", Actor: "usr_test"},
		Decide:   func(tx *engine.Tx) (engine.Decided, error) { return engine.Decided{}, decide(tx) },
	}
}

func putItems(tx *engine.Tx, items ...string) error {
	_, err := shelves.Decide(tx, "1", items)
	return err
}

// requireShelf checks what decisions and the log say of the shelf.
func requireShelf(t *testing.T, e *engine.Engine, want shelf) {
	t.Helper()
	var got shelf
	_, err := e.Execute(t.Context(), request(func(tx *engine.Tx) error {
		s, err := shelves.Load(tx, "1")
		got = maps.Clone(s)
		return err
	}))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestADiscardedDecisionLeavesTheCachedStateAsItWas(t *testing.T) {
	t.Parallel()
	e := startBoth(t)
	errRefused := errors.New("refused")
	for name, failing := range map[string]func(tx *engine.Tx) error{
		"an error": func(tx *engine.Tx) error {
			return errors.Join(putItems(tx, "lamp", "book"), putItems(tx, "vase"), errRefused)
		},
		"a panic": func(tx *engine.Tx) error {
			if err := putItems(tx, "lamp", "book"); err != nil {
				return err // not require: that would end the engine's own goroutine
			}
			panic("broken invariant")
		},
	} {
		errs := batchOf(t, e, request(func(tx *engine.Tx) error { return putItems(tx, "book") }), request(failing))
		require.NoError(t, errs[0], name)
		require.Error(t, errs[1], name)
	}
	requireShelf(t, e, shelf{"book": 2})
}

func TestAnAttemptThatFailsStagesNothing(t *testing.T) {
	t.Parallel()
	e := startBoth(t)
	_, err := e.Execute(t.Context(), request(func(tx *engine.Tx) error {
		if err := putItems(tx, "book"); err != nil {
			return err
		}
		failed := tx.Attempt(func() error {
			_, err := counters.Decide(tx, "1", count{1})
			return errors.Join(err, putItems(tx, "lamp", "book"), errors.New("no room"))
		})
		require.ErrorContains(t, failed, "no room")
		return tx.Attempt(func() error { return putItems(tx, "vase") })
	}))
	require.NoError(t, err)
	requireShelf(t, e, shelf{"book": 1, "vase": 1})
	require.Equal(t, 0, mustExecute(t, e, add("1", 0)))
}

func TestAForgottenErrorCheckCommitsNoHalfOfADecision(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	first, stop := start(t, pool, nil)
	mustExecute(t, first, add("other", 7))
	stop()
	e, _ := start(t, pool, nil)
	mustExecute(t, e, add("1", 1))
	r := add("1", 1)
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		other, _ := counters.Load(tx, "other") // is not in memory at first
		s, _ := counters.Decide(tx, "1", count{other.Sum})
		return engine.Decided{Value: s.Sum}, nil
	}
	require.Equal(t, 8, mustExecute(t, e, r))
	requireSum(t, pool, "counter-1", 8)
}

func TestAStateThatMayBeHalfChangedIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	e := startBoth(t)
	_, err := e.Execute(t.Context(), request(func(tx *engine.Tx) error { return putItems(tx, "book") }))
	require.NoError(t, err)
	_, err = e.Execute(t.Context(), request(func(tx *engine.Tx) error { return putItems(tx, "too heavy") }))
	require.ErrorIs(t, err, engine.ErrUnavailable)
	require.ErrorContains(t, err, "the shelf broke")
	requireShelf(t, e, shelf{"book": 1})
}

func TestAReadSeesWhatIsCommittedWithoutATurnInTheLoop(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	mustExecute(t, e, add("1", 2, 3))
	release := block(t, e) // the loop is busy, and holds the lock
	defer release()
	s, version, err := counters.Read(t.Context(), e, "1")
	require.NoError(t, err)
	require.Equal(t, counter{Sum: 5}, s)
	require.EqualValues(t, 2, version)
	s, version, err = counters.Read(t.Context(), e, "none")
	require.NoError(t, err)
	require.Zero(t, s)
	require.Zero(t, version)
}
