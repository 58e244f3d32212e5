package simulation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
	"ticketing/internal/testenv"
)

// What the simulation says of a statement's parameters and columns is what PostgreSQL says.
func TestStatementsAreAsPostgreSQLHasThem(t *testing.T) {
	t.Parallel()
	databases := testenv.Databases(t)
	requireTypes(t, databases.Events, slices.Concat(logStatements, relayStatements, sagaStatements, sabotagedStatements))
	requireTypes(t, databases.Read, projectorStatements)
}

func requireTypes(t *testing.T, url string, statements []statement) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for i, st := range statements {
		prepared, err := conn.Prepare(t.Context(), fmt.Sprint("statement", i), st.sql)
		require.NoError(t, err, st.sql)
		requireDescription(t, st, prepared)
	}
}

func requireDescription(t *testing.T, st statement, prepared *pgconn.StatementDescription) {
	t.Helper()
	require.Equal(t, append([]uint32{}, st.params...), append([]uint32{}, prepared.ParamOIDs...), st.sql)
	columns := make([]column, len(prepared.Fields))
	for i, f := range prepared.Fields {
		columns[i] = column{f.Name, min(f.DataTypeOID, firstOwn)}
	}
	require.Equal(t, append([]column{}, st.columns...), columns, st.sql)
}

// Sessions lock, fail, commit and end in the simulation as they do in PostgreSQL.
func TestSessionsAreAsPostgreSQLHasThem(t *testing.T) {
	t.Parallel()
	url := testenv.EventsDatabase(t)
	actual := transcript(t, func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		return conn
	})
	var simulated []string
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		db := w.addDatabase("log", newState("6f1a3f0e-54a5-4d0f-9d39-7a4f1f0f7c10"), logStatements)
		go w.schedule()
		simulated = transcript(t, func() *pgx.Conn {
			config := poolConfig().ConnConfig.Copy()
			config.DialFunc = func(context.Context, string, string) (net.Conn, error) { return db.open(nil), nil }
			conn, err := pgx.ConnectConfig(t.Context(), config)
			require.NoError(t, err)
			return conn
		})
		close(w.ended)
		<-w.finished
	})
	require.Equal(t, actual, simulated)
}

// script notes what a server says to some statements.
type script struct {
	t     *testing.T
	lines []string
}

func transcript(t *testing.T, connect func() *pgx.Conn) []string {
	t.Helper()
	s := &script{t: t}
	s.play(connect(), connect(), connect())
	return s.lines
}

func (s *script) play(a, b, c *pgx.Conn) {
	const head = `SELECT head`
	for _, one := range []struct {
		on  *pgx.Conn
		sql string
	}{
		{b, `SET lock_timeout = '100ms'; SET statement_timeout = '8s'`},
		{a, `BEGIN`},
		{a, `lock`},
		{b, `BEGIN`},
		{b, `lock`},
		{b, head},
		{b, `COMMIT`},
		{a, `append 0`},
		{a, head},
		{b, head},
		{a, `COMMIT`},
		{b, head},
		{b, `BEGIN`},
		{b, `append 0`},
		{b, `rollback`},
		{b, `begin`},
		{b, `append 1`},
		{b, `savepoint sp_1`},
		{b, `append 2`},
		{b, `append 2`},
		{b, `rollback to savepoint sp_1`},
		{b, head},
		{b, `commit`},
		{a, head},
		{a, `-- ping`},
		{c, `SET idle_in_transaction_session_timeout = '100ms'`},
		{c, `begin`},
		{c, `wait`},
		{c, head},
		{a, `begin`},
		{a, `lock`},
		{a, `wait`},
		{b, `end holder`},
		{a, head},
		{b, `BEGIN`},
		{b, `lock`},
		{b, `commit`},
	} {
		s.lines = append(s.lines, fmt.Sprintf("%s: %s", one.sql, s.run(one.on, one.sql)))
	}
	_ = a.Close(context.Background())
	_ = b.Close(context.Background())
	_ = c.Close(context.Background())
}

func (s *script) run(conn *pgx.Conn, sql string) string {
	ctx := context.Background()
	switch {
	case sql == "wait":
		time.Sleep(1100 * time.Millisecond)
		return ""
	case sql == "SELECT head":
		h, err := eventstore.ReadHead(ctx, conn)
		return fmt.Sprint(h.Position, said(pgconn.CommandTag{}, err))
	case sql == "lock":
		return said(conn.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard)))
	case sql == "end holder":
		return said(conn.Exec(ctx, textOf("WITH holder"), uint32(eventstore.LockClass), uint32(eventstore.Shard)))
	case strings.HasPrefix(sql, "append "):
		var after int64
		_, err := fmt.Sscanf(sql, "append %d", &after)
		require.NoError(s.t, err)
		now := time.Now()
		return said(conn.Exec(ctx, textOf("WITH appended"), eventstore.Shard, after, now, now.Add(time.Hour), []string{"event-1"}, []int64{after + 1},
			[]string{"EventCreated"}, []int16{1}, []string{"{}"}, []string{"{}"}, []string{"usr_1"}, []string{sql}, [][]byte{{1}}, []string{"{}"}))
	}
	return said(conn.Exec(ctx, sql))
}

// textOf returns the statement that begins so.
func textOf(prefix string) string {
	for _, st := range logStatements {
		if strings.HasPrefix(st.sql, prefix) {
			return st.sql
		}
	}
	panic(prefix)
}

// said returns a tag, the code of an error, or that the connection is closed.
func said(tag pgconn.CommandTag, err error) string {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok:
		return refused.Code
	case err != nil:
		return "closed"
	}
	return tag.String()
}
