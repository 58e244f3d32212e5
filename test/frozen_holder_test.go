package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
	"ticketing/internal/network/networktest"
	"ticketing/internal/testenv"
)

// lockQueue is what a test sees of the log's lock, and a place in its queue.
type lockQueue struct {
	conn, watching *pgx.Conn
	wire           *networktest.Proxy // to PostgreSQL, of the api that is watched
}

func openLockQueue(t *testing.T, url string, wire *networktest.Proxy) *lockQueue {
	t.Helper()
	q := &lockQueue{wire: wire}
	for _, conn := range []**pgx.Conn{&q.conn, &q.watching} {
		var err error
		*conn, err = pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = (*conn).Close(context.Background()) })
	}
	return q
}

// take takes the lock until release is called.
func (q *lockQueue) take(t *testing.T) (release func()) {
	t.Helper()
	tx, err := q.conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard))
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback(t.Context())) }
}

// sees reports whether the api waits for the lock, or, if granted, has it.
func (q *lockQueue) sees(t *testing.T, granted bool) bool {
	t.Helper()
	rows, err := q.watching.Query(t.Context(), `SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'
		AND datname = current_database() AND application_name = 'ticketing engine' AND granted = $1`, granted)
	require.NoError(t, err)
	ports, err := pgx.CollectRows(rows, pgx.RowTo[int])
	require.NoError(t, err)
	return len(ports) == 1 && q.wire.Carries(ports[0])
}

// startOnWire starts an api whose connections to the log lead through a wire.
func startOnWire(p *platform) (runningPart, *networktest.Proxy) {
	p.t.Helper()
	direct, err := url.Parse(p.env["DATABASE_URL"])
	require.NoError(p.t, err)
	wire := networktest.NewProxy(p.t, direct.Host)
	p.env["DATABASE_URL"] = strings.Replace(direct.String(), direct.Host, wire.Address(), 1)
	defer func() { p.env["DATABASE_URL"] = direct.String() }()
	return p.startAPI(), wire
}

// sendEvent creates an event, and returns what is wrong with the response.
func (c *client) sendEvent(name string) error {
	body, err := json.Marshal(map[string]any{
		"query": `mutation($input: CreateEventInput!) { createEvent(input: $input) { event { id } ` + errorFields + ` } }`,
		"variables": vars{"input": vars{
			"name": name, "venue": "Town hall", "startsAt": "2040-01-01T20:00:00Z", "idempotencyKey": newKey(),
		}},
	})
	if err != nil {
		return err
	}
	answer, err := c.postOperation(body)
	if err == nil && !strings.Contains(string(answer), `"userErrors":[]`) {
		err = errors.New(string(answer))
	}
	return err
}

// takeover is how long the others may wait for a frozen holder of the log's lock.
const takeover = 2 * time.Second

// An api is stopped (SIGSTOP) while it has the log's lock, and continues when another one has appended, within two seconds (on a machine that is
// busy with other tests, in one of some tries). Neither's customer sees an error.
func TestAnAPIThatIsFrozenWithTheLogsLockHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	frozen, wire := startOnWire(p)
	admin := signIn(t, p.url, adminEmail)
	other := newUnmigratedPlatform(t, p.env)
	other.startAPI()
	queue := openLockQueue(t, p.env["DATABASE_URL"], wire)
	elsewhere := *admin
	elsewhere.url = other.url
	tries := 0
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		tries++
		release, created := queue.take(t), make(chan error, 1)
		go func() { created <- admin.sendEvent(fmt.Sprint("frozen ", tries)) }()
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return queue.sees(t, false), "the api does not ask for the lock" })
		frozen.freeze()
		began := time.Now()
		release()
		holds := queue.sees(t, true)
		require.NoError(t, elsewhere.sendEvent(fmt.Sprint("other ", tries)))
		took := time.Since(began).Round(time.Millisecond)
		frozen.unfreeze()
		require.NoError(t, <-created)
		return holds && took < takeover, fmt.Sprintf("another api appended after %s; the frozen one had the lock: %t (else it had just given up a try)", took, holds)
	})
	require.Equal(t, 2*tries, queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'EventCreated'`))
}
