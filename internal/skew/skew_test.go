package skew

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestAWrongClockIsLoggedMeasuredAndFailsTheCheckUntilItIsRight(t *testing.T) {
	t.Parallel()
	database, err := pgx.Connect(t.Context(), testenv.EmptyDatabase(t))
	require.NoError(t, err)
	defer database.Close(t.Context())
	var log bytes.Buffer
	var off time.Duration
	w := New(Config{
		Database: database, Clock: func() time.Time { return time.Now().Add(off) }, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Witness: func(context.Context) (time.Time, error) { return time.Now(), nil },
	})
	require.NoError(t, w.Check(t.Context()), "nothing was measured yet")
	for _, jump := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		log.Reset()
		for _, off = range []time.Duration{0, Most / 2, jump, jump, 0} {
			w.measure(t.Context())
			require.Equal(t, off == jump, w.Check(t.Context()) != nil, "off by %s", off)
			require.NoError(t, w.CheckOthers(t.Context()))
			var measured dto.Metric
			require.NoError(t, w.gauge.Write(&measured))
			require.InDelta(t, off.Seconds(), measured.GetGauge().GetValue(), 5)
		}
		require.Equal(t, 1, strings.Count(log.String(), "clock is wrong"), log.String())
		require.Equal(t, 1, strings.Count(log.String(), "clock is right again"), log.String())
	}
}

// A process must not be blamed for the clocks of others: all processes would be at once.
func TestWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	right, off := measurement{known: true}, measurement{known: true, isWrong: true, ahead: -10 * time.Minute}
	for name, c := range map[string]struct {
		database, witness measurement
		own, others       string
	}{
		"none":                        {right, right, "", ""},
		"the process's":               {off, off, "this process's clock is -10m0s ahead", ""},
		"PostgreSQL's":                {off, right, "", "PostgreSQL's clock is wrong"},
		"Redis's":                     {right, off, "", "the clock of Redis is wrong"},
		"one of two, without a third": {off, measurement{}, "", "this process's clock is -10m0s ahead"},
	} {
		own, others := judge(c.database, c.witness)
		for want, err := range map[string]error{c.own: own, c.others: others} {
			if want != "" {
				require.ErrorContains(t, err, want, name)
			}
		}
		require.Equal(t, []bool{c.own == "", c.others == ""}, []bool{own == nil, others == nil}, name)
	}
}

func TestASlowMeasurementProvesNothing(t *testing.T) {
	t.Parallel()
	database, err := pgx.Connect(t.Context(), testenv.EmptyDatabase(t))
	require.NoError(t, err)
	defer database.Close(t.Context())
	w := New(Config{Database: delayed{database}, Clock: func() time.Time { return time.Now().Add(Most + delay/4) }})
	w.measure(t.Context())
	require.NoError(t, w.CheckOthers(t.Context()))
}

const delay = time.Second

// delayed is a database that gets each question late.
type delayed struct{ *pgx.Conn }

func (d delayed) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	time.Sleep(delay) // what the test is about
	return d.Conn.QueryRow(ctx, sql, args...)
}
