package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/relay/logtest"
	"ticketing/internal/testenv"
)

// Scripts see nothing of a report but its exit status.
func TestVerifyFailsForTablesThatAreWrongOrBehind(t *testing.T) {
	urls := testenv.Databases(t)
	t.Setenv("ENVIRONMENT", "development")
	t.Setenv("DATABASE_URL", urls.Events)
	t.Setenv("PROJECTION_DATABASE_URL", urls.Read)
	requireStatus := func(want int, says string, args ...string) {
		t.Helper()
		var out strings.Builder
		require.Equal(t, want, verifyLog(t.Context(), append([]string{"-wait", "0s"}, args...), &out), "%s", &out)
		require.Contains(t, out.String(), says)
	}
	requireStatus(statusOK, "the read tables agree with it")
	requireStatus(statusNotVerified, "", "surplus")

	events := logtest.Log{Pool: testenv.OpenPool(t, urls.Events), Registry: catalog.Registry()}
	events.Append(t, "event-evt_1", event.EventCreated{})
	requireStatus(statusBehind, "the read tables are behind the log")

	_, err := testenv.OpenPool(t, urls.Read).Exec(t.Context(), `INSERT INTO customers (id, reservations, completed, returned, tickets, first_seen, last_seen)
		VALUES ('usr_ghost', 0, 0, 0, 0, now(), now())`)
	require.NoError(t, err)
	requireStatus(statusWrong, "customers usr_ghost")
}
