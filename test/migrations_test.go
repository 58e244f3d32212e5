package test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
	"ticketing/migrations"
)

// released are the schemas of releases (migrations/README.md), from which an installation may come.
var released = map[string]struct{ events, read, auth uint }{
	"v0.1.0": {events: 6, read: 6, auth: 2},
}

// The log and the users survive a schema that is taken back to a released one and brought up again, and everything else follows from them.
func TestMigrationsKeepWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, schema := range released {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			running := p.startParts()
			id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
			kept := buyFloor(t, signIn(t, p.url, "alice@example.com"), id, 3)
			p.requireVerified()
			for _, part := range running {
				part.stop()
			}
			facts := func() []string {
				return []string{
					queryText(t, p.env["DATABASE_URL"], `SELECT md5(string_agg(e::text, ',' ORDER BY position)) FROM domain_events e`),
					queryText(t, p.env["AUTH_DATABASE_URL"], `SELECT string_agg(concat_ws(' ', id, email, role), ',' ORDER BY id, role)
						FROM users JOIN user_roles ON user_id = id`),
				}
			}
			before := facts()
			p.migrateDown("events", schema.events)
			p.migrateDown("read", schema.read)
			p.migrateDown("auth", schema.auth)
			require.Equal(t, before, facts())
			status, output := p.runProgram("ticketing", "migrate", "up")
			require.Zero(t, status, output)
			require.Equal(t, before, facts())

			status, output = p.runProgram("projector", "rebuild", "--all") // columns were dropped with what was in them
			require.Zero(t, status, output)
			p.startParts()
			p.requireVerified()
			alice := signIn(t, p.url, "alice@example.com")
			awaitStatus(t, alice, kept, "COMPLETED")
			buyFloor(t, alice, id, 7)
		})
	}
}

func (p *platform) migrateDown(database string, to uint) {
	p.t.Helper()
	files, err := fs.Glob(map[string]fs.FS{"events": migrations.Events, "read": migrations.Read, "auth": migrations.Auth}[database], "*.up.sql")
	require.NoError(p.t, err)
	later := slices.DeleteFunc(files, func(file string) bool { return file < fmt.Sprintf("%04d_~", to) })
	status, output := p.runProgram("ticketing", "migrate", "down", "--database", database, "--steps", strconv.Itoa(len(later)))
	require.Zero(p.t, status, output)
	require.Contains(p.t, output, fmt.Sprintf("%s: version %d of ", database, to))
}

// beforeReleases is what runs while the newest migrations are applied, until there is a release with a tag: a commit.
const beforeReleases = "08cefa0"

// buildBefore builds the newest release. Without the repository's history it skips.
func buildBefore(t *testing.T) (folder string) {
	t.Helper()
	git := func(args ...string) string {
		output, err := exec.CommandContext(t.Context(), "git", args...).Output()
		if err != nil {
			t.Skipf("git %s: %v: the older build needs the repository's history", args[0], err)
		}
		return strings.TrimSpace(string(output))
	}
	revision := beforeReleases
	if tags := strings.Fields(git("tag", "--list", "v*", "--sort=-version:refname")); len(tags) > 0 {
		revision = tags[0]
	}
	git("cat-file", "-e", revision)
	source, folder := filepath.Join(t.TempDir(), "source"), t.TempDir()
	require.NoError(t, os.MkdirAll(source, 0o755))
	archive := exec.CommandContext(t.Context(), "sh", "-c", `git -C "$(git rev-parse --show-toplevel)" archive "$1" | tar -x -C "$2"`, "sh", revision, source)
	output, err := archive.CombinedOutput()
	require.NoError(t, err, "%s", output)
	build := exec.CommandContext(t.Context(), "go", "build", "-C", source, "-trimpath", "-o", folder+"/", "./cmd/ticketing")
	output, err = build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return folder
}

// What was released before works on the new schema, while it is migrated and beside the new parts.
func TestTheOldReleaseWorksOnTheNewSchema(t *testing.T) {
	t.Parallel()
	older := buildBefore(t)
	env := newEnvironment(t)
	for _, variable := range []string{"DATABASE_URL", "PROJECTION_DATABASE_URL", "AUTH_DATABASE_URL"} {
		env[variable] = testenv.EmptyDatabase(t)
	}
	p := newUnmigratedPlatform(t, env)
	p.programs = older
	status, output := p.runProgram("ticketing", "migrate", "up")
	require.Zero(t, status, output)
	before := p.startParts()
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	first := p.startShoppers(id, 4)
	first.awaitMore(t, 20)

	p.programs = ""
	status, output = p.runProgram("ticketing", "migrate", "up")
	require.Zero(t, status, output)
	first.awaitMore(t, 20)
	buyFloor(t, signIn(t, p.url, "old@example.com"), id, 1)

	// The new parts come one after another, as migrations/README.md says, each beside its old one.
	p.startPart("projector")
	p.startPart("saga")
	p.startPart("relay")
	p = p.startReplica()
	p.startAPI()
	second := p.startShoppers(id, 4)
	second.awaitMore(t, 20)
	first.awaitMore(t, 20)
	buyFloor(t, signIn(t, p.url, "new@example.com"), id, 1)
	first.finish()
	for _, part := range before {
		part.stop()
	}
	second.awaitMore(t, 20)
	second.finish()
	p.requireVerified()
}
