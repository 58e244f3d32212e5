package docs

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// targets are those of the Makefile with what they run.
	targets = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):.*\n((?:\t.*\n)*)`)
	// picked are the tests that a recipe picks by name, and where they are.
	picked = regexp.MustCompile(`-run[ =]'\^\(?(Test[A-Za-z0-9_|]+)\)?\$\$'((?: \./[a-z0-9/_-]+)+)`)
	// commands are those that pages tell readers to use, in text and in tables.
	commands = regexp.MustCompile("`make ([a-z0-9-]+)")
	// pushed are those of CI, besides VERIFY.
	pushed = regexp.MustCompile(`make ([a-z-]+)`)
	// nightly are those of long.yml.
	nightly = regexp.MustCompile(`"((?:test|fuzz|load|soak)[a-z0-9-]*)[" ]`)
)

// targetsOf returns the recipes of the Makefile.
func targetsOf(t *testing.T) map[string]string {
	t.Helper()
	recipes := map[string]string{}
	for _, target := range targets.FindAllStringSubmatch(readText(t, "../Makefile"), -1) {
		recipes[target[1]] = strings.ReplaceAll(target[2], "\\\n\t\t", "")
	}
	require.Greater(t, len(recipes), 40)
	return recipes
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// pushedTargets are what a push runs.
func pushedTargets(t *testing.T) (names []string) {
	t.Helper()
	list := regexp.MustCompile(`(?m)^VERIFY := (.*)$`).FindStringSubmatch(readText(t, "../Makefile"))
	require.NotNil(t, list)
	for _, name := range pushed.FindAllStringSubmatch(readText(t, "../.github/workflows/verify.yml"), -1) {
		names = append(names, name[1])
	}
	require.Contains(t, names, "verify")
	return append(names, strings.Fields(list[1])...)
}

// A recipe whose pattern matches no test passes, so each test that one picks must be there.
func TestEachTestThatTheMakefilePicksExists(t *testing.T) {
	t.Parallel()
	number := 0
	for name, recipe := range targetsOf(t) {
		for _, match := range picked.FindAllStringSubmatch(recipe, -1) {
			var text strings.Builder
			for _, folder := range strings.Fields(match[2]) {
				text.WriteString(testsOf(t, folder))
			}
			for test := range strings.SplitSeq(match[1], "|") {
				number++
				if !strings.Contains(text.String(), "\nfunc "+test+"(") {
					t.Errorf("make %s picks %s, which is not there", name, test)
				}
			}
		}
	}
	require.Greater(t, number, 8)
}

func TestEachCommandOfThePagesExists(t *testing.T) {
	t.Parallel()
	recipes := targetsOf(t)
	for _, page := range []string{"../README.md", "../CONTRIBUTING.md", "production-readiness.md", "reliability.md", "benchmarks.md", "growth.md", "operations.md"} {
		for _, command := range commands.FindAllStringSubmatch(readText(t, page), -1) {
			if _, found := recipes[command[1]]; !found {
				t.Errorf("%s names make %s, which is not there", page, command[1])
			}
		}
	}
}

// What takes too long for a push runs at night, and the page has both.
func TestEachLaneIsRunAndDescribed(t *testing.T) {
	t.Parallel()
	recipes, page := targetsOf(t), readText(t, "production-readiness.md")
	lanes := nightly.FindAllStringSubmatch(readText(t, "../.github/workflows/long.yml"), -1)
	require.Greater(t, len(lanes), 8)
	for _, lane := range lanes {
		if recipes[lane[1]] == "" || !strings.Contains(page, "\n| `make "+lane[1]+"` |") {
			t.Errorf("make %s is not there, or not among the lanes of production-readiness.md", lane[1])
		}
	}
}

// A criterion is proven by tests that each push runs. Where a lane shows it, its row says which.
func TestEachCriterionIsProvenOnEachPush(t *testing.T) {
	t.Parallel()
	lanes := map[string]string{"test/isolation": "test-isolation", "deploy/check/cluster": "test-kubernetes"}
	inPush := pushedTargets(t)
	for name, recipe := range targetsOf(t) {
		for _, match := range picked.FindAllStringSubmatch(recipe, -1) {
			if slices.Contains(inPush, name) || strings.HasPrefix(recipe, "\tgo test") {
				continue // an ordinary test
			}
			for test := range strings.SplitSeq(match[1], "|") {
				lanes[strings.TrimPrefix(strings.TrimSpace(match[2]), "./")+"."+test] = name
			}
		}
	}
	require.Contains(t, lanes, "test.TestLoad")
	page, _, found := strings.Cut(readText(t, "production-readiness.md"), "## Lanes of their own")
	require.True(t, found)
	heading, rows := "", map[string]int{}
	for row := range strings.Lines(page) {
		row = strings.TrimSpace(row)
		if title, ok := strings.CutPrefix(row, "## "); ok {
			heading = title
		}
		if !strings.HasPrefix(row, "| ") || row == "| criterion | proof |" {
			continue
		}
		rows[heading]++
		columns := strings.Split(strings.Trim(row, "| "), " | ")
		require.Len(t, columns, 2, row)
		if columns[1] == "[deployment.md](deployment.md)" {
			continue // a checklist, for people
		}
		ordinary := false
		for proof := range strings.SplitSeq(columns[1], ", ") {
			match := proven.FindStringSubmatch(proof)
			require.NotNil(t, match, "this is no test: %s", proof)
			lane := lanes[match[1]] + lanes[match[1]+"."+match[2]]
			assert.Equal(t, lane, match[3], "the lane of %s", proof)
			ordinary = ordinary || lane == ""
		}
		assert.True(t, ordinary, "nothing that each push runs proves: %s", row)
	}
	require.Equal(t, criteria, rows)
}
