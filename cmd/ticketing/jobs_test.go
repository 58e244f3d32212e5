package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestFailedJobsAreListedAndRetried(t *testing.T) {
	url := testenv.EventsDatabase(t)
	t.Setenv("ENVIRONMENT", "development")
	t.Setenv("DATABASE_URL", url)
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), `INSERT INTO river_job (id, kind, queue, args, state, attempt, max_attempts, errors, finalized_at, scheduled_at) VALUES
		(1, 'refund', 'refunds', '{"payment_id": "pay_1"}', 'discarded', 5, 5, ARRAY['{"error": "the gateway is down"}'::jsonb], now(), now()),
		(2, 'mail', 'mails', '{"id": "rsv_1"}', 'retryable', 1, 25, ARRAY['{"error": "no route"}'::jsonb], NULL, now() + interval '1 hour'),
		(3, 'mail', 'mails', '{"id": "rsv_2"}', 'completed', 2, 25, ARRAY['{"error": "no route"}'::jsonb], now(), now()),
		(4, 'mail', 'mails', '{"id": "rsv_3"}', 'available', 0, 25, NULL, NULL, now())`)
	require.NoError(t, err)
	jobs := func(args ...string) (int, string) {
		var out strings.Builder
		status := runJobs(t.Context(), args, &out)
		return status, out.String()
	}

	status, output := jobs("list")
	require.Zero(t, status, output)
	require.Equal(t, 2, strings.Count(output, "\n"), output)
	require.Contains(t, output, `1 refund {"payment_id": "pay_1"}: 1 failures, given up: the gateway is down`)
	require.Regexp(t, `2 mail .*: 1 failures, next try 20.*: no route`, output)
	_, output = jobs("list", "mail")
	require.NotContains(t, output, "refund")

	status, output = jobs("retry", "1", "3", "99")
	require.Equal(t, statusWrong, status, output)
	require.Contains(t, output, "1: is tried again")
	require.Contains(t, output, "3: no job of that id")
	status, output = jobs("retry", "--all")
	require.Zero(t, status, output)
	var available, attemptsLeft int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE state = 'available' AND scheduled_at <= now() AND finalized_at IS NULL),
		min(max_attempts - attempt) FROM river_job WHERE id IN (1, 2)`).Scan(&available, &attemptsLeft))
	require.Equal(t, 2, available)
	require.GreaterOrEqual(t, attemptsLeft, 20, "not given up again at the first failure")
	status, _ = jobs("retry", "one")
	require.Equal(t, statusNotVerified, status)
	status, _ = jobs()
	require.Equal(t, statusNotVerified, status)
}
