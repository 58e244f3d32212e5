package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/internal/skew"
	"ticketing/migrations"
)

const (
	oldestPostgres = 150_000 // server_version_num of PostgreSQL 15
	// fewConnections is what a part of each kind may open to one database (docs/operations.md, "Connections").
	fewConnections = 40
)

// database is one of the three.
type database struct {
	cfg   config.Config
	url   string
	files fs.FS
	isLog bool
	// isReads says that it is where apis read the read tables, if that is another place: a pooler or a standby, and a user who may only read.
	isReads bool
}

func databaseChecks(cfg config.Config) (checks []check) {
	for _, d := range []struct {
		about config.Need
		database
	}{
		{config.NeedEvents, database{cfg: cfg, url: cfg.EventsURL, files: migrations.Events, isLog: true}},
		{config.NeedRead, database{cfg: cfg, url: cfg.ReadURL, files: migrations.Read}},
		{"PROJECTION_POOLER_URL", database{cfg: cfg, url: cfg.ReadPoolerURL, files: migrations.Read, isReads: true}},
		{config.NeedAuth, database{cfg: cfg, url: cfg.AuthURL, files: migrations.Auth}},
	} {
		if d.url != "" {
			checks = append(checks, check{string(d.about), d.checkAll})
		}
	}
	return checks
}

func (d database) checkAll(ctx context.Context, f *findings) {
	pool, err := postgres.NewPool(ctx, d.url, postgres.Config{
		ApplicationName: "ticketing doctor", MaxConnections: 1, ConnectTimeout: d.cfg.ConnectTimeout, Pooler: d.isReads,
	})
	if err == nil {
		defer pool.Close()
		err = pool.Ping(ctx)
	}
	if err != nil {
		f.add(markWrong, "can't be reached: %v; check that the server runs, and the URL's host, user, password and database", err)
		return
	}
	looks := []func(context.Context, *pgxpool.Pool, *findings) error{d.checkServer, d.checkMigrations, d.checkRights, checkRoom}
	if d.isReads {
		looks = []func(context.Context, *pgxpool.Pool, *findings) error{d.checkServer, d.checkMigrations, checkReading}
	}
	for _, look := range looks {
		if err := look(ctx, pool, f); err != nil {
			f.add(markWrong, "%v", err)
		}
	}
}

// checkServer looks at the version, the clock, and whether commits are durable.
func (d database) checkServer(ctx context.Context, pool *pgxpool.Pool, f *findings) error {
	var version int
	var name, fsync, commit string
	var replica bool
	var theirs time.Time
	began := time.Now()
	err := pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
		clock_timestamp(), current_setting('fsync'), current_setting('synchronous_commit')`).Scan(&version, &name, &replica, &theirs, &fsync, &commit)
	if err != nil {
		return fmt.Errorf("read the server's settings: %w", err)
	}
	took := time.Since(began)
	ahead := began.Add(took / 2).Sub(theirs)
	switch {
	case version < oldestPostgres:
		f.add(markWrong, "PostgreSQL %s is too old: 15 or newer is needed", name)
	case replica && !d.isReads:
		f.add(markWrong, "PostgreSQL %s is a replica, which can't be written: name the primary", name)
	default:
		f.add(markOK, "PostgreSQL %s, %s away", name, took.Round(100*time.Microsecond))
	}
	if ahead.Abs()-took/2 > skew.Most {
		f.add(markWrong, "this machine's clock is %s ahead of PostgreSQL's: repair NTP on the one that is wrong", ahead.Round(time.Millisecond))
	}
	if d.isLog && (fsync != "on" || commit == "off") {
		mark := markWrong
		if d.cfg.Development() {
			mark = markWarn
		}
		f.add(mark, "fsync is %s and synchronous_commit %s: a crash loses what was sold; set both on", fsync, commit)
	}
	return nil
}

// checkMigrations compares the schema with this build's migrations.
func (d database) checkMigrations(ctx context.Context, pool *pgxpool.Pool, f *findings) error {
	newest, err := migrations.Newest(d.files)
	if err != nil {
		return err
	}
	version, dirty, err := postgres.SchemaVersion(ctx, pool)
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok && failed.Code == pgerrcode.UndefinedTable {
		f.add(markWrong, "has no tables: run migrate up")
		return nil
	}
	switch {
	case err != nil:
		return err
	case dirty:
		f.add(markWrong, "migration %d failed half-way: repair by hand what it left, then run migrate force", version)
	case version < newest:
		f.add(markWrong, "is at migration %d of %d: run migrate up", version, newest)
	case version > newest:
		f.add(markWarn, "is at migration %d, and this build knows %d: deploy the newer release", version, newest)
	default:
		f.add(markOK, "is at migration %d, the newest", version)
	}
	return nil
}

// checkRights looks for tables that the user can't use. A rebuild makes tables in the read database. What the log has is never changed, so that
// in production nothing should be able to: the rights to do so can be taken from the tables' owner, too.
func (d database) checkRights(ctx context.Context, pool *pgxpool.Pool, f *findings) error {
	var user, missing string
	var creates, rewrites bool
	err := pool.QueryRow(ctx, `SELECT current_user, has_schema_privilege(current_schema(), 'CREATE'),
		coalesce((SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
			AND relkind IN ('r', 'p') AND relname <> 'schema_migrations'
			AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
				AND (relname = 'domain_events' OR has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')))), ''),
		coalesce((SELECT has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE') FROM pg_class
			WHERE relnamespace = current_schema()::regnamespace AND relname = 'domain_events'), false)`).Scan(&user, &creates, &missing, &rewrites)
	if err != nil {
		return fmt.Errorf("read the user's rights: %w", err)
	}
	if missing != "" {
		f.add(markWrong, "user %s may not read or write %s: GRANT it, or let the tables' owner be the user", user, missing)
	}
	if rewrites && !d.cfg.Development() {
		f.add(markWarn, "user %s may change what was recorded, which nothing needs: REVOKE UPDATE, DELETE, TRUNCATE ON domain_events FROM it", user)
	}
	if !creates && !d.isLog {
		f.add(markWarn, "user %s may not create tables: migrations and rebuilds need another user", user)
	}
	return nil
}

// checkReading looks for tables that the apis' user can't read, and for the time limit of statements, which apis can't send through a pooler.
func checkReading(ctx context.Context, pool *pgxpool.Pool, f *findings) error {
	var user, missing, limit string
	err := pool.QueryRow(ctx, `SELECT current_user, current_setting('statement_timeout'),
		coalesce((SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
			AND relkind IN ('r', 'p') AND NOT has_table_privilege(oid, 'SELECT')), '')`).Scan(&user, &limit, &missing)
	if err != nil {
		return fmt.Errorf("read the user's rights: %w", err)
	}
	if missing != "" {
		f.add(markWrong, "user %s may not read %s: GRANT SELECT", user, missing)
	}
	if limit == "0" {
		f.add(markWarn, "statements of user %s have no time limit: ALTER ROLE %s SET statement_timeout = '8s'", user, user)
	}
	return nil
}

// checkRoom looks at how many connections are free.
func checkRoom(ctx context.Context, pool *pgxpool.Pool, f *findings) error {
	room, err := postgres.ReadRoom(ctx, pool)
	if err != nil {
		return err
	}
	mark, todo := markOK, ""
	if room.Free < fewConnections {
		mark, todo = markWarn, ": raise max_connections (docs/operations.md, Connections)"
	}
	f.add(mark, "%d of %d connections are free%s", room.Free, room.Most, todo)
	return nil
}
