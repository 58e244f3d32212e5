package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/internal/postgres"
	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// startPooler starts a PgBouncer in transaction mode before a database, with two connections to it, and returns its URL.
func startPooler(t *testing.T, database string) string {
	t.Helper()
	program := "/usr/sbin/pgbouncer" // seldom in PATH
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("pgbouncer"); err != nil {
			t.Skip("PgBouncer is missing: scripts/setup --tests installs it")
		}
	}
	to, err := pgx.ParseConfig(database)
	require.NoError(t, err)
	password := ""
	if to.Password != "" {
		password = " password=" + to.Password
	}
	port, err := services.FreePort()
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "ticketing-pooler-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	require.NoError(t, os.Chmod(folder, 0o755)) // PgBouncer's user passes through it
	file := filepath.Join(folder, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `[databases]
read = host=%s port=%d dbname=%s user=%s%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`, to.Host, to.Port, to.Database, to.User, password, port), 0o644))
	args := []string{file}
	if os.Getuid() == 0 {
		args = []string{"--user", "nobody", file} // it does not run as root
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	require.NoError(t, err)
	pooler, err := process.Start(process.Spec{Path: program, Args: args, Stdout: log, Stderr: log})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = pooler.Kill()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("output of PgBouncer:\n%s", text)
		}
	})
	url := fmt.Sprintf("postgres://reader@127.0.0.1:%d/read?sslmode=disable", port)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return false, err.Error()
		}
		return conn.Close(t.Context()) == nil, ""
	})
	return url
}

// An api reads through a pooler that gives each statement whichever of its connections is free, and so never the one on which it was prepared.
func TestReadsGoThroughAPooler(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	pooler := startPooler(t, env["PROJECTION_DATABASE_URL"])
	_, err := postgres.NewPool(t.Context(), pooler, postgres.Config{StatementTimeout: testenv.Patience})
	require.ErrorContains(t, err, "statement_timeout", "what a pooler does not take")

	env["PROJECTION_POOLER_URL"] = pooler
	s := startSystemIn(t, env)
	organizer := signIn(t, s.url, adminEmail)
	id := onSale(t, organizer, 100, nil)
	var buying sync.WaitGroup
	for i := range 6 {
		c := signIn(t, s.url, fmt.Sprintf("reader%d@example.com", i))
		buying.Go(func() {
			for range 3 {
				buyFloor(t, c, id, 1)
				c.mustExecute(`{ events(first: 10) { nodes { id sections { name available } } } me { reservations(first: 10) { nodes { id payments { id } } } } }`,
					nil, &struct{}{})
				require.NotNil(t, organizer.readEvent(id))
			}
		})
	}
	buying.Wait()
	through := queryCount(t, env["PROJECTION_DATABASE_URL"],
		`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ticketing api'`)
	require.True(t, through == 1 || through == 2, "%d connections of the api: it has those of the pooler only", through)
}
