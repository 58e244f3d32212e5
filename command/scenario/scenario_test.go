package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// A jar has coins. Its commands are functions that decide themselves.
type (
	jar    struct{ Coins map[string]int }
	coin   string
	decide = func(jar, time.Time) ([]coin, error)
)

func given(t T, past ...coin) Past[jar, decide, coin] {
	return Given(t, func(s jar, c decide, now time.Time) ([]coin, error) { return c(s, now) }, evolveJar, past...)
}

func evolveJar(s jar, c coin) jar {
	if s.Coins == nil {
		s.Coins = map[string]int{}
	}
	s.Coins[string(c)]++
	return s
}

func leadsTo(coins ...coin) decide {
	return func(jar, time.Time) ([]coin, error) { return coins, nil }
}

func refuses(err error) decide { return func(jar, time.Time) ([]coin, error) { return nil, err } }

var errTooMany = rejection.New(rejection.LimitExceeded, "the jar is full").At("coins", "0")

func TestScenarioPasses(t *testing.T) {
	given(t).When(leadsTo("dime")).Then("dime")
	given(t).When(leadsTo()).ThenNothing()
	given(t, "dime").When(refuses(errTooMany)).ThenRejected(rejection.LimitExceeded, "coins", "0")
	given(t).When(refuses(fmt.Errorf("wrapped: %w", errTooMany))).ThenRejected(rejection.LimitExceeded, "coins", "0")
	state := given(t, "dime").When(leadsTo("cent")).ThenAccepted().And().When(leadsTo("cent")).State()
	require.Equal(t, jar{Coins: map[string]int{"dime": 1, "cent": 2}}, state)
}

func TestAtSetsTheTimeOfDeciding(t *testing.T) {
	later := Now.Add(time.Hour)
	given(t).At(later).When(func(_ jar, now time.Time) ([]coin, error) {
		require.Equal(t, later, now)
		return nil, nil
	}).ThenNothing()
}

func TestScenarioFails(t *testing.T) {
	calls := 0
	for name, wrong := range map[string]func(t T){
		"other domain events": func(t T) { given(t).When(leadsTo("dime")).Then("cent") },
		"rejected instead":    func(t T) { given(t).When(refuses(errTooMany)).Then("cent") },
		"not nothing":         func(t T) { given(t).When(leadsTo("dime")).ThenNothing() },
		"nothing":             func(t T) { given(t).When(leadsTo()).ThenAccepted() },
		"accepted":            func(t T) { given(t).When(leadsTo("dime")).ThenRejected(rejection.Invalid) },
		"another code":        func(t T) { given(t).When(refuses(errTooMany)).ThenRejected(rejection.Invalid, "coins", "0") },
		"another field":       func(t T) { given(t).When(refuses(errTooMany)).ThenRejected(rejection.LimitExceeded, "coins") },
		"a missing field":     func(t T) { given(t).When(refuses(errTooMany)).ThenRejected(rejection.LimitExceeded) },
		"no rejection":        func(t T) { given(t).When(refuses(errors.New("no"))).ThenRejected(rejection.Invalid) },
		"a changed state": func(t T) {
			given(t, "dime").When(func(s jar, _ time.Time) ([]coin, error) {
				s.Coins["dime"]++
				return nil, nil
			})
		},
		"another decision each time": func(t T) {
			given(t).When(func(jar, time.Time) ([]coin, error) {
				calls++
				return []coin{coin(strconv.Itoa(calls))}, nil
			})
		},
		"both": func(t T) {
			given(t).When(func(jar, time.Time) ([]coin, error) { return []coin{"dime"}, errTooMany })
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, fails(wrong), "the scenario passed")
		})
	}
}

// recorder is a T that records whether it failed.
type recorder struct{ failed bool }

type stopped struct{}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) FailNow()              { panic(stopped{}) }

// fails reports whether f fails its T.
func fails(f func(T)) bool {
	r := &recorder{}
	func() {
		defer func() {
			if p := recover(); p != nil && p != (stopped{}) {
				panic(p)
			}
		}()
		f(r)
	}()
	return r.failed
}
