package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/relay/logtest"
	"ticketing/internal/testenv"
)

func TestARestoreIsChecked(t *testing.T) {
	urls := testenv.Databases(t)
	t.Setenv("ENVIRONMENT", "development")
	t.Setenv("DATABASE_URL", urls.Events)
	t.Setenv("AUTH_DATABASE_URL", urls.Auth)
	events, err := pgxpool.New(t.Context(), urls.Events)
	require.NoError(t, err)
	defer events.Close()
	users, err := pgxpool.New(t.Context(), urls.Auth)
	require.NoError(t, err)
	defer users.Close()
	logtest.Log{Pool: events, Registry: catalog.Registry()}.Append(t, "event-evt_1", event.EventCreated{}) // by usr_1
	check := func(args ...string) (int, string) {
		var out strings.Builder
		status := checkRestore(t.Context(), args, &out)
		return status, out.String()
	}

	status, out := check()
	require.Equal(t, statusWrong, status, out)
	require.Contains(t, out, "strangers to their own tickets: usr_1")
	_, err = users.Exec(t.Context(), `INSERT INTO users (id, email, created_at, last_seen_at) VALUES ('usr_1', 'a@example.com', now(), now())`)
	require.NoError(t, err)
	status, out = check()
	require.Equal(t, statusOK, status, out)

	_, err = events.Exec(t.Context(), `INSERT INTO relay_cursor (shard, incarnation, position) SELECT 0, incarnation, 1 FROM log_incarnation`)
	require.NoError(t, err)
	status, out = check()
	require.Equal(t, statusWrong, status, out)
	require.Contains(t, out, "-new-incarnation")
	status, out = check("-new-incarnation")
	require.Equal(t, statusOK, status, out)
	require.Contains(t, out, "migrate up")
	status, _ = check("surplus")
	require.Equal(t, statusNotVerified, status)
}
