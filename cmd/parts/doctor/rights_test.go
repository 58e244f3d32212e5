package doctor

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
	"ticketing/internal/testenv"
	"ticketing/migrations"
)

// examined is a database and a user with few rights.
type examined struct {
	t     *testing.T
	owner *pgx.Conn
	role  string
	database
}

// newExamined makes a user of the database who may do nothing, in production.
func newExamined(t *testing.T, d database, role string) examined {
	t.Helper()
	d.cfg = config.Config{Environment: config.Production}
	owner, err := pgx.Connect(t.Context(), d.url)
	require.NoError(t, err)
	x := examined{t: t, owner: owner, role: role, database: d}
	x.execute(`CREATE ROLE %[1]s LOGIN PASSWORD '%[1]s'`)
	t.Cleanup(func() {
		for _, sql := range []string{`DROP OWNED BY %s`, `DROP ROLE %s`} {
			_, err := owner.Exec(context.Background(), fmt.Sprintf(sql, role))
			require.NoError(t, err)
		}
		_ = owner.Close(context.Background())
	})
	u, err := url.Parse(d.url)
	require.NoError(t, err)
	u.User = url.UserPassword(role, role)
	x.url = u.String()
	return x
}

func (x examined) execute(sql string) {
	x.t.Helper()
	_, err := x.owner.Exec(x.t.Context(), fmt.Sprintf(sql, x.role))
	require.NoError(x.t, err)
}

func (x examined) look() (lines string, wrong bool) {
	var f findings
	x.checkAll(x.t.Context(), &f)
	return strings.Join(f.lines, "\n"), f.wrong
}

func TestTheUserOfTheLogMayChangeEverythingButTheLog(t *testing.T) {
	t.Parallel()
	x := newExamined(t, database{url: testenv.EventsDatabase(t), files: migrations.Events, isLog: true}, "doctors_writer")
	x.execute(`GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO %s`)
	lines, wrong := x.look()
	require.True(t, wrong)
	require.Regexp(t, `may not read or write .*idempotency_keys`, lines)
	require.NotRegexp(t, `may not read or write .*domain_events`, lines)

	x.execute(`GRANT UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %s`)
	lines, _ = x.look() // the tests' server is not durable, which is wrong in production
	require.NotContains(t, lines, "may not read or write")
	require.Contains(t, lines, "may change what was recorded")

	x.execute(`REVOKE UPDATE, DELETE ON domain_events FROM %s`)
	lines, _ = x.look()
	require.NotContains(t, lines, "may not read or write")
	require.NotContains(t, lines, "may change what was recorded")
}

func TestTheUserOfThePoolerMayReadForAWhile(t *testing.T) {
	t.Parallel()
	x := newExamined(t, database{url: testenv.ReadDatabase(t), files: migrations.Read, isReads: true}, "doctors_reader")
	x.execute(`GRANT SELECT ON schema_migrations TO %s`)
	lines, wrong := x.look()
	require.True(t, wrong)
	require.Regexp(t, `may not read .*reservations`, lines)
	require.Contains(t, lines, "have no time limit")

	x.execute(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s`)
	x.execute(`ALTER ROLE %s SET statement_timeout = '8s'`)
	lines, wrong = x.look()
	require.False(t, wrong, lines)
	require.NotContains(t, lines, "have no time limit")
}
