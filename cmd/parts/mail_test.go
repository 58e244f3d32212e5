package parts

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Health is asked every few seconds, and a mail server may take its time or lock out who signs in too often. The clock is
// synctest's, so that nothing is waited for.
func TestHealthSignsInToTheMailServerSeldomAndWaitsForNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away, signIns := errors.New("away"), 0
		var result error
		var limit time.Duration
		p := &mailProbe{signIn: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			limit = time.Until(deadline)
			signIns++
			time.Sleep(5 * time.Second) // a server that greets slowly
			return result
		}}
		ask := func(seconds int) (err error) {
			for range seconds {
				before := time.Now()
				err = p.check(t.Context())
				require.Zero(t, time.Since(before))
				time.Sleep(time.Second)
			}
			return err
		}
		require.NoError(t, ask(60))
		require.Equal(t, 1, signIns)
		require.Equal(t, mailTimeout, limit)
		result = away
		require.ErrorIs(t, ask(20), away)
		require.Equal(t, 2, signIns)
		result = nil
		require.NoError(t, ask(25), "it is soon right again")
		require.Equal(t, 3, signIns)
	})
}
