package docs

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// headings are the sections of error codes.
var headings = regexp.MustCompile(`(?m)^### ([A-Z_]+)$`)

// codes are the values of extensions.code in the API's source.
var codes = regexp.MustCompile(`Code = "([A-Z_]+)"`)

func TestEachErrorCodeHasASection(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("errors.md")
	require.NoError(t, err)
	text, err := os.ReadFile("../graph/schema.graphql")
	require.NoError(t, err)
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	require.NoError(t, err)
	source, err := os.ReadFile("../graph/apierror/apierror.go")
	require.NoError(t, err)
	var want, got []string
	for _, value := range schema.Types["UserErrorCode"].EnumValues {
		want = append(want, value.Name)
	}
	for _, match := range codes.FindAllSubmatch(source, -1) {
		if code := string(match[1]); !slices.Contains(want, code) {
			want = append(want, code)
		}
	}
	require.Greater(t, len(want), 20)
	for _, match := range headings.FindAllSubmatch(page, -1) {
		got = append(got, string(match[1]))
	}
	require.ElementsMatch(t, want, got)
}
