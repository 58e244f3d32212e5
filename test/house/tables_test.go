package house

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forging are the packages for tests, which may spell any SQL: they forge states that no program makes.
var forging = []string{"command/commandtest", "command/relay/logtest", "projector/readtest"}

var (
	createTable = regexp.MustCompile(`CREATE TABLE (\w+)`)
	tableInSQL  = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE|TABLE|TRUNCATE)\s+(\w+)`)
	writeInSQL  = regexp.MustCompile(`(?i)\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)`)
)

// docs/adr/0012 has the reasons.
func TestATableOfTheLogOrTheUsersHasItsSQLInOnePackage(t *testing.T) {
	t.Parallel()
	spelled := spelledTables(t)
	for _, table := range slices.Concat(tablesOf(t, "events"), tablesOf(t, "auth")) {
		require.LessOrEqual(t, len(spelled[table]), 1, "%s is in SQL of %v", table, spelled[table])
	}
	require.Equal(t, []string{"command/eventstore"}, spelled["domain_events"])
	require.Equal(t, []string{"command/eventstore"}, spelled["log_incarnation"])
}

func TestAReadTableHasOneWriterTwoReadersAndNoOthers(t *testing.T) {
	t.Parallel()
	spelled, writers := spelledTables(t), map[string][]string{}
	for _, file := range pathsWith(t, ".sql") {
		folder := path.Dir(file)
		if folder != "sql/projector" && folder != "sql/query" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		for _, write := range writeInSQL.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(writers[write[1]], file) {
				writers[write[1]] = append(writers[write[1]], file)
			}
		}
	}
	for _, table := range tablesOf(t, "read") {
		require.Subset(t, []string{"projector/verify"}, spelled[table], table)
		require.Len(t, writers[table], 1, "%s is written by %v", table, writers[table])
		require.Equal(t, "sql/projector", path.Dir(writers[table][0]), table)
	}
}

// tablesOf returns the tables of a database, as its migrations make them.
func tablesOf(t *testing.T, database string) (tables []string) {
	t.Helper()
	for _, file := range pathsWith(t, ".sql") {
		if path.Dir(file) != "migrations/"+database || !strings.HasSuffix(file, ".up.sql") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		for _, created := range createTable.FindAllStringSubmatch(string(text), -1) {
			tables = append(tables, created[1])
		}
	}
	require.NotEmpty(t, tables, database)
	return tables
}

// spelledTables returns the folders of programs in whose strings a word follows FROM, INTO and the like, by that word.
func spelledTables(t *testing.T) map[string][]string {
	t.Helper()
	spelled := map[string][]string{}
	for _, file := range productFiles(t) {
		folder := path.Dir(file.path)
		if slices.Contains(forging, folder) {
			continue
		}
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			literal, ok := node.(*ast.BasicLit)
			if !ok {
				return true
			}
			for _, found := range tableInSQL.FindAllStringSubmatch(literal.Value, -1) {
				if !slices.Contains(spelled[found[1]], folder) {
					spelled[found[1]] = append(spelled[found[1]], folder)
				}
			}
			return true
		})
	}
	return spelled
}
