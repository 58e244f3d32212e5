package house

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var backquoted = regexp.MustCompile("`([a-z_]+)`")

// docs/growth.md lists each table and what becomes of its rows.
func TestEveryTablesGrowthIsKnown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "growth.md"))
	require.NoError(t, err)
	var named []string
	for _, name := range backquoted.FindAllStringSubmatch(string(text), -1) {
		named = append(named, name[1])
	}
	for _, database := range []string{"events", "read", "auth"} {
		for _, table := range tablesOf(t, database) {
			require.True(t, slices.Contains(named, table), "docs/growth.md does not say how %s grows", table)
		}
	}
}
