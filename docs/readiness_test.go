package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// proofs are tests as the pages name them: `package.TestName`.
	proofs = regexp.MustCompile("`([a-z0-9/_-]+)\\.((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)`")
	// proven is a proof of a criterion, with the lane that shows it unless each push does.
	proven = regexp.MustCompile("^" + proofs.String() + "(?: \\(`make ([a-z0-9-]+)`\\))?$")
)

// criteria are how many each section has: one that is dropped is dropped here, too.
var criteria = map[string]int{
	"Domain events": 7, "From the API to the aggregates": 6, "Authorization": 5, "Queries": 3, "Payments": 6, "Hardening": 12, "Whole-system tests": 7,
	"Deployment": 8,
}

// Production readiness is what tests show, so each of them must be there.
func TestEachProofExists(t *testing.T) {
	t.Parallel()
	declared := map[string]string{} // the tests of a package, as source
	for page, least := range map[string]int{"production-readiness.md": 100, "reliability.md": 15} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		named := proofs.FindAllStringSubmatch(string(text), -1)
		require.GreaterOrEqual(t, len(named), least, page)
		for _, proof := range named {
			folder, name := proof[1], proof[2]
			if declared[folder] == "" {
				declared[folder] = testsOf(t, folder)
			}
			assert.Regexp(t, `(?m)^func `+name+`\(`, declared[folder], "%s names %s.%s", page, folder, name)
		}
	}
}

// testsOf returns the text of a package's test files.
func testsOf(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "the package %s has no tests", folder)
	var text strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		text.Write(source)
	}
	return text.String()
}
