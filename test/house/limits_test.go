package house

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	quoted  = regexp.MustCompile("`([^`]+)`")
	setting = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+$`)
)

// docs/limits.md lists bounds by the names that they have in the code.
func TestEveryNamedLimitExists(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs/limits.md"))
	require.NoError(t, err)
	settings, err := os.ReadFile(filepath.Join(root, ".env.example"))
	require.NoError(t, err)
	declared, rows := declaredNames(t), 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[0]) == "what" {
			continue
		}
		rows++
		require.Len(t, cells, 7, line)
		for i, cell := range cells {
			require.NotEmpty(t, strings.TrimSpace(cell), "column %d of %s", i+1, line)
		}
		require.NotEqual(t, "–", strings.TrimSpace(cells[6]), "neither a metric, nor why there is none: %s", line)
		for _, name := range quoted.FindAllStringSubmatch(cells[3], -1) {
			switch short := name[1][strings.LastIndex(name[1], ".")+1:]; {
			case setting.MatchString(name[1]):
				require.Contains(t, string(settings), name[1]+"=", line)
			case short != "" && !strings.Contains(name[1], "/"):
				assert.True(t, declared[short], "%s is not in the code: %s", name[1], line)
			}
		}
	}
	require.Greater(t, rows, 90)
}

// declaredNames returns the names of all constants, variables, functions and fields.
func declaredNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range goFiles(t) {
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.ValueSpec:
				for _, name := range n.Names {
					names[name.Name] = true
				}
			case *ast.FuncDecl:
				names[n.Name.Name] = true
			case *ast.Field:
				for _, name := range n.Names {
					names[name.Name] = true
				}
			}
			return true
		})
	}
	return names
}
