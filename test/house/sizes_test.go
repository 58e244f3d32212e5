package house

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	longestFunction = 70
	medianFunction  = 9
	medianFile      = 120
	oneWordPercent  = 25 // of the unexported functions
)

// productFiles are the files that programs are built from.
func productFiles(t *testing.T) []goFile {
	t.Helper()
	return slices.DeleteFunc(goFiles(t), goFile.isTest)
}

func TestFunctionsAndFilesAreSmall(t *testing.T) {
	t.Parallel()
	var functions, files []int
	for _, file := range productFiles(t) {
		files = append(files, file.lines(file.syntax))
		for _, function := range file.functions() {
			lines := file.lines(function)
			functions = append(functions, lines)
			if lines > longestFunction {
				at := file.line(function.Pos())
				t.Errorf("%s:%d: %s has %d lines, at most %d are allowed", at.path, at.line, function.Name.Name, lines, longestFunction)
			}
		}
	}
	skipWhileUnfinished(t)
	require.LessOrEqual(t, median(functions), medianFunction, "lines of the median function")
	require.LessOrEqual(t, median(files), medianFile, "lines of the median file")
}

// skipWhileUnfinished ends a test of a figure that means something only for the whole module.
func skipWhileUnfinished(t *testing.T) {
	t.Helper()
	if len(unfinished) > 0 && !t.Failed() {
		t.Skip("some folders are not checked yet")
	}
}

func median(sizes []int) int {
	slices.Sort(sizes)
	return sizes[len(sizes)/2]
}

// A name of one word ("settle", "take") seldom says what the function acts on.
func TestUnexportedFunctionsSayWhatTheyActOn(t *testing.T) {
	t.Parallel()
	skipWhileUnfinished(t)
	oneWord := regexp.MustCompile(`^[a-z0-9]+$`)
	var short []string
	all := 0
	for _, file := range productFiles(t) {
		for _, function := range file.functions() {
			name := function.Name.Name
			if ast.IsExported(name) || name == "main" || name == "init" {
				continue
			}
			all++
			if oneWord.MatchString(name) {
				short = append(short, file.path+" "+name)
			}
		}
	}
	require.LessOrEqual(t, len(short)*100, all*oneWordPercent, "%d of %d names are one word:\n%s", len(short), all, strings.Join(short, "\n"))
}

// depguard holds the directions of dependencies; an exception would be a direction that docs/architecture.md does not have.
func TestNoDependencyIsExcused(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, group := range file.syntax.Comments {
			for _, comment := range group.List {
				require.NotRegexp(t, `^//nolint:.*\bdepguard\b`, comment.Text, file.path)
			}
		}
	}
}
