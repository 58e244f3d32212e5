package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/supervise"
)

var (
	errBroken  = errors.New("the broker is away")
	errStandby = errors.New("another holds the lease")
)

func newLoop(log *bytes.Buffer) *supervise.Loop {
	return supervise.New(supervise.Config{
		Name: "relay", Shortest: time.Second, Longest: 4 * time.Second, Expected: []error{errStandby},
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

// runSessions runs one session for each function and returns when each began.
func runSessions(t *testing.T, l *supervise.Loop, sessions ...func() error) []time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	var began []time.Duration
	l.Run(ctx, func(context.Context) error {
		began = append(began, time.Since(start))
		if len(began) == len(sessions) {
			cancel()
		}
		return sessions[len(began)-1]()
	})
	return began
}

func fails() error { return errBroken }

func TestPausesDoubleUntilASessionSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		succeeds := func() error { return nil }
		lasts := func() error { time.Sleep(5 * time.Second); return errBroken }
		began := runSessions(t, newLoop(&log), fails, fails, fails, fails, succeeds, fails, lasts, fails)
		var pauses []time.Duration
		for i := range began[1:] {
			pauses = append(pauses, (began[i+1]-began[i])/time.Second)
		}
		require.Equal(t, []time.Duration{1, 2, 4, 4, 1, 1, 5 + 1}, pauses)
	})
}

func TestAFaultIsLoggedOnceUntilASessionWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := newLoop(&log)
		standsBy := func() error { return errStandby }
		recovers := func() error {
			require.True(t, l.Works())
			require.False(t, l.Works())
			return errBroken
		}
		runSessions(t, l, standsBy, fails, fails, standsBy, fails, recovers, fails)
		require.Equal(t, 2, strings.Count(log.String(), "relay stopped; it starts again by itself"), log.String())
		require.NotContains(t, log.String(), errStandby.Error())
	})
}
