package postgres_test

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/postgres"
	"ticketing/internal/testenv"
	"ticketing/migrations"
)

func file(sql string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(sql)} }

func TestPoolKeepsItsBounds(t *testing.T) {
	t.Parallel()
	pool, err := postgres.NewPool(t.Context(), testenv.EmptyDatabase(t), postgres.Config{
		ApplicationName: "test", MaxConnections: 3, MinConnections: 9, ConnectTimeout: 5 * time.Second,
		StatementTimeout: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	defer pool.Close()
	require.EqualValues(t, 3, pool.Config().MaxConns)
	require.EqualValues(t, 3, pool.Config().MinConns, "never more than may be open")
	for name, want := range map[string]string{
		"application_name": "test", "statement_timeout": "50ms",
	} {
		var value string
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&value))
		require.Equal(t, want, value, name)
	}
	_, err = pool.Exec(t.Context(), `SELECT pg_sleep(10)`)
	require.ErrorContains(t, err, "statement timeout")
}

func TestAWrongURLShowsAtTheStartWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:hunter2hunter2@127.0.0.1:1/x", "postgres://u:hunter2hunter2@:x:/x"} {
		_, err := postgres.NewPool(t.Context(), url, postgres.Config{ConnectTimeout: time.Second})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestAnErrorSaysWhatFailedAndNoMore(t *testing.T) {
	t.Parallel()
	missing, err := postgres.WithDatabase(testenv.EmptyDatabase(t), "missing")
	require.NoError(t, err)
	_, err = postgres.NewPool(t.Context(), missing, postgres.Config{})
	require.ErrorContains(t, err, `database "missing" does not exist`)
	require.NotContains(t, err.Error(), "tls error")
}

func TestManyMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := testenv.EmptyDatabase(t)
	files := fstest.MapFS{
		"0001_a.up.sql":   file(`CREATE TABLE a (n int); INSERT INTO a SELECT 1 FROM pg_sleep(0.05)`),
		"0001_a.down.sql": file(`DROP TABLE a`),
		"0002_b.up.sql":   file(`INSERT INTO a VALUES (2)`),
		"0002_b.down.sql": file(`DELETE FROM a WHERE n = 2`),
		"README.md":       file(`not a migration`),
	}
	var group errgroup.Group
	for range 5 {
		group.Go(func() error { return postgres.Migrate(t.Context(), url, files) })
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 2, count(t, url, "a"), "each migration ran once")
	requireVersion(t, url, files, 2, false)

	require.NoError(t, postgres.MigrateSteps(t.Context(), url, files, -1))
	require.Equal(t, 1, count(t, url, "a"))
	require.NoError(t, postgres.MigrateSteps(t.Context(), url, files, -5), "fewer were there")
	requireVersion(t, url, files, 0, false)
}

// CREATE INDEX CONCURRENTLY waits for all statements that run, so a process that waits for its turn must not wait in one.
func TestManyMakeAnIndexAtOnce(t *testing.T) {
	t.Parallel()
	url := testenv.EmptyDatabase(t)
	files := fstest.MapFS{
		"0001_a.up.sql":     file(`CREATE TABLE a (n int); INSERT INTO a SELECT generate_series(1, 100000)`),
		"0002_index.up.sql": file("-- Alone in its file.\nCREATE INDEX CONCURRENTLY a_n ON a (n);\n"),
	}
	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return postgres.Migrate(t.Context(), url, files) })
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 1, count(t, url, `pg_index WHERE indexrelid = 'a_n'::regclass AND indisvalid`))
}

func TestAProcessThatWaitsForAnothersMigrationsCanBeEnded(t *testing.T) {
	t.Parallel()
	url := testenv.EmptyDatabase(t)
	pool, err := postgres.NewPool(t.Context(), url, postgres.Config{})
	require.NoError(t, err)
	defer pool.Close()
	holding, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = holding.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = holding.Exec(t.Context(), `SELECT pg_advisory_xact_lock(4711)`)
	require.NoError(t, err)

	files := fstest.MapFS{"0001_a.up.sql": file(`SELECT pg_advisory_xact_lock(4711)`)}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- postgres.Migrate(t.Context(), url, files) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return count(t, url, `pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = 4711`) == 1, "the first does not migrate"
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { second <- postgres.Migrate(ctx, url, files) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		const tried = `pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_lock%'`
		return count(t, url, tried) == 2, "the second does not wait"
	})
	cancel()
	select {
	case err := <-second:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(testenv.Patience):
		require.Fail(t, "it waits on")
	}
	require.NoError(t, holding.Rollback(t.Context()))
	require.NoError(t, <-first)
}

// A migration that waits for a table's lock has all statements after it wait, too: it gives up, lets them through, and tries again.
func TestAMigrationLetsOthersThrough(t *testing.T) {
	t.Parallel()
	url := testenv.EmptyDatabase(t)
	pool, err := postgres.NewPool(t.Context(), url, postgres.Config{})
	require.NoError(t, err)
	defer pool.Close()
	files := fstest.MapFS{"0001_a.up.sql": file(`CREATE TABLE a (n int)`)}
	require.NoError(t, postgres.Migrate(t.Context(), url, files))
	reading, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = reading.Exec(t.Context(), `SELECT FROM a`)
	require.NoError(t, err)

	files["0002_b.up.sql"] = file(`CREATE TABLE b (); ALTER TABLE a ADD COLUMN m int`)
	var group errgroup.Group
	group.Go(func() error { return postgres.Migrate(t.Context(), url, files) })
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return count(t, url, `pg_locks WHERE NOT granted AND relation = 'a'::regclass`) == 1, "the migration does not wait"
	})
	require.Zero(t, count(t, url, "a"), "a read that came after the migration, while another one still reads")
	require.NoError(t, reading.Rollback(t.Context()))
	require.NoError(t, group.Wait())
	requireVersion(t, url, files, 2, false)
}

func TestAFailedMigrationStaysVisibleUntilRepaired(t *testing.T) {
	t.Parallel()
	url := testenv.EmptyDatabase(t)
	broken := fstest.MapFS{"0001_a.up.sql": file(`CREATE TABLE a (n int); SELECT nonsense`)}
	require.ErrorContains(t, postgres.Migrate(t.Context(), url, broken), "nonsense")
	requireVersion(t, url, broken, 1, true)
	repaired := fstest.MapFS{"0001_a.up.sql": file(`CREATE TABLE a (n int)`), "0002_b.up.sql": file(`INSERT INTO a VALUES (1)`)}
	require.ErrorContains(t, postgres.Migrate(t.Context(), url, repaired), "Dirty")

	pool, err := postgres.NewPool(t.Context(), url, postgres.Config{})
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), `CREATE TABLE a (n int)`)
	require.NoError(t, err, "what failed left nothing")
	require.NoError(t, postgres.MigrateForce(t.Context(), url, repaired, 1))
	require.NoError(t, postgres.Migrate(t.Context(), url, repaired))
	require.Equal(t, 1, count(t, url, "a"))
}

func TestNoMigrationsAreNoError(t *testing.T) {
	t.Parallel()
	require.NoError(t, postgres.Migrate(t.Context(), testenv.EmptyDatabase(t), fstest.MapFS{"README.md": file("")}))
}

// Every migration of ours can be taken back, and applied again after that.
func TestOurMigrationsGoUpAndDown(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fs.FS{"events": migrations.Events, "read": migrations.Read, "auth": migrations.Auth} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := testenv.EmptyDatabase(t)
			ups, err := fs.Glob(files, "*.up.sql")
			require.NoError(t, err)
			require.NotEmpty(t, ups)
			require.NoError(t, postgres.Migrate(t.Context(), url, files))
			newest, err := postgres.NewestMigration(files)
			require.NoError(t, err)
			requireVersion(t, url, files, newest, false)
			require.NoError(t, postgres.MigrateSteps(t.Context(), url, files, -len(ups)))
			require.Equal(t, 0, count(t, url, `(SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations') t`))
			require.NoError(t, postgres.Migrate(t.Context(), url, files))
		})
	}
}

func TestEnsureDatabaseManyAtOnce(t *testing.T) {
	t.Parallel()
	admin := testenv.EmptyDatabase(t)
	const name = `Odd "name"`
	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return postgres.EnsureDatabase(t.Context(), admin, name) })
	}
	require.NoError(t, group.Wait())
	url, err := postgres.WithDatabase(admin, name)
	require.NoError(t, err)
	pool, err := postgres.NewPool(t.Context(), url, postgres.Config{})
	require.NoError(t, err)
	pool.Close()
	pool, err = postgres.NewPool(t.Context(), admin, postgres.Config{})
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(context.WithoutCancel(t.Context()), `DROP DATABASE "Odd ""name""" WITH (FORCE)`)
	require.NoError(t, err)
}

func count(t *testing.T, url, table string) int {
	t.Helper()
	pool, err := postgres.NewPool(t.Context(), url, postgres.Config{})
	require.NoError(t, err)
	defer pool.Close()
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

func requireVersion(t *testing.T, url string, files fs.FS, version uint, dirty bool) {
	t.Helper()
	v, d, err := postgres.MigrationVersion(t.Context(), url, files)
	require.NoError(t, err)
	require.Equal(t, version, v)
	require.Equal(t, dirty, d)
}
