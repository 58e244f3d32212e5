package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// onlyExpandAfter are the versions from which on migrations keep to docs/recipes.md, "Add a migration". Those before ran on small tables.
var onlyExpandAfter = map[string]int{"events": 11, "read": 15, "auth": 5}

var (
	createdIndex = regexp.MustCompile(`(?i)CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?(?:\w+ )?ON (\w+)`)
	sqlComment   = regexp.MustCompile(`--[^\n]*`)
	// blocking matches what reads or rewrites a table, or takes from the release before what it uses.
	blocking = regexp.MustCompile(`(?i)DROP (TABLE|COLUMN)|RENAME (TO|COLUMN)|ALTER COLUMN \w+ (SET NOT NULL|TYPE|SET DATA)|` +
		`GENERATED (ALWAYS|BY DEFAULT)|ADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY)[^;]*\)\s*;|VACUUM FULL|CLUSTER|LOCK TABLE|ADD COLUMN[^,;]*DEFAULT (gen_random_uuid|clock_timestamp|random)`)
)

func TestMigrationsBlockNothing(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, file := range pathsWith(t, ".sql") {
		if !strings.HasPrefix(file, "migrations/") || !strings.HasSuffix(file, ".up.sql") {
			continue
		}
		database := path.Base(path.Dir(file))
		version, _, _ := strings.Cut(path.Base(file), "_")
		n, err := strconv.Atoi(version)
		require.NoError(t, err, file)
		_, err = os.Stat(filepath.Join(root, strings.TrimSuffix(file, ".up.sql")+".down.sql"))
		require.NoError(t, err, "each migration can be taken back")
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		if n > onlyExpandAfter[database] {
			require.Empty(t, blockedBy(string(text)), "%s: see docs/recipes.md, Add a migration", file)
		}
		checked++
	}
	require.Greater(t, checked, 20)
}

func TestMigrationsThatBlockAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"CREATE INDEX ON payments (created_at);", "CREATE UNIQUE INDEX p ON payments (id);", "CREATE INDEX CONCURRENTLY p ON payments (id); SELECT 1;",
		"ALTER TABLE a DROP COLUMN b;", "ALTER TABLE a ALTER COLUMN b SET NOT NULL;", "ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS (c) STORED;",
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);", "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid();",
	} {
		require.NotEmpty(t, blockedBy(text), text)
	}
	for _, text := range []string{
		"-- DROP TABLE is what we don't do.\nCREATE INDEX CONCURRENTLY p ON payments (id);\n", "CREATE TABLE a (b int CHECK (b > 0)); CREATE INDEX ON a (b);",
		"ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0;", "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;",
	} {
		require.Empty(t, blockedBy(text), text)
	}
}

// blockedBy returns the part of a migration that would keep the release before, or a busy table, from working.
func blockedBy(text string) string {
	text = strings.TrimSpace(sqlComment.ReplaceAllString(text, ""))
	for _, index := range createdIndex.FindAllStringSubmatch(text, -1) {
		alone := strings.Count(strings.TrimSuffix(text, ";"), ";") == 0
		if concurrent := index[1] != ""; concurrent && !alone || !concurrent && !strings.Contains(text, "CREATE TABLE "+index[2]+" ") {
			return index[0]
		}
	}
	return blocking.FindString(text)
}
