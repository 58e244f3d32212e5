package sabotage

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// broken returns the files of a sabotage with its changes, by path.
func (s sabotage) broken(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, c := range s.changes {
		if files[c.file] == "" {
			text, err := os.ReadFile(filepath.Join(root, c.file))
			require.NoError(t, err, s.name)
			files[c.file] = string(text)
		}
		require.Equal(t, 1, strings.Count(files[c.file], c.old), "%s: %s has changed, and does not have this once any more: %s", s.name, c.file, c.old)
		files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
	}
	return files
}

// test is one that must fail.
type test struct{ folder, name string }

func (s sabotage) noticing() (all []test) {
	for _, name := range s.tests {
		all = append(all, test{s.folder, name})
	}
	if s.simulated != "" {
		all = append(all, test{"test/simulation", s.simulated})
	}
	return all
}

// Sabotage that no longer fits the sources proves nothing, and the page has what is sabotaged, no less and no more.
func TestSabotageFitsTheSources(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "\n| what is broken | test that notices |\n|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []string
	for _, s := range sabotages {
		s.broken(t)
		var names []string
		for _, one := range s.noticing() {
			names = append(names, fmt.Sprintf("`%s.%s`", one.folder, one.name))
		}
		rows = append(rows, fmt.Sprintf("| %s | %s |", s.name, strings.Join(names, ", ")))
	}
	require.Equal(t, strings.Join(rows, "\n"), table)
}

// Each test that is named passes, and fails when what it is there for is broken. The run takes minutes: `make test-sabotage`.
func TestSabotageIsNoticed(t *testing.T) {
	only := os.Getenv("SABOTAGE")
	if only == "" {
		t.Skip("make test-sabotage runs it")
	}
	var chosen []sabotage
	unbroken := map[string][]string{} // tests, by folder
	for _, s := range sabotages {
		if only != "all" && !strings.Contains(s.name, only) {
			continue
		}
		chosen = append(chosen, s)
		for _, one := range s.noticing() {
			if !slices.Contains(unbroken[one.folder], one.name) {
				unbroken[one.folder] = append(unbroken[one.folder], one.name)
			}
		}
	}
	require.NotEmpty(t, chosen, "no name has %q in it", only)
	for folder, names := range unbroken {
		t.Run("nothing in "+folder, func(t *testing.T) {
			output, err := goTest(t, folder, names, "-count=1", "-v").CombinedOutput()
			require.NoError(t, err, "%s", output)
			for _, name := range names {
				require.True(t, hasPassed(output, name), "%s was not run: %s", name, output)
			}
		})
	}
	if t.Failed() {
		return // a test that fails anyway notices nothing
	}
	for _, s := range chosen {
		t.Run(s.name, s.requireNoticed)
	}
}

func (s sabotage) requireNoticed(t *testing.T) {
	// Some tests build the programs that they run: these must be broken, too.
	flags, err := exec.CommandContext(t.Context(), "go", "env", "GOFLAGS").Output()
	require.NoError(t, err)
	broken := "GOFLAGS=" + strings.TrimSpace(string(flags)) + " -overlay=" + s.writeOverlay(t)
	for _, one := range s.noticing() {
		run := goTest(t, one.folder, []string{one.name}, "-failfast", fmt.Sprintf("-count=%d", max(s.count, 1)))
		run.Env = append(os.Environ(), broken, "DURATION=4m") // of a simulation, at most
		output, err := run.CombinedOutput()
		require.Error(t, err, "%s passes: %s", one.name, output)
		why := whyUnnoticed(output, one.name)
		require.Empty(t, why, "%s does not notice: %s", one.name, output)
		t.Logf("%s fails: %s", one.name, saidBy(output)) // a reader sees whether that is what was broken
	}
}

// goTest returns a run of tests of a folder.
func goTest(t *testing.T, folder string, names []string, flags ...string) *exec.Cmd {
	t.Helper()
	arguments := append([]string{"test", "-vet=off", "-timeout=10m", "-run=^(" + strings.Join(names, "|") + ")$"}, flags...)
	run := exec.CommandContext(t.Context(), "go", append(arguments, "./"+folder)...)
	run.Dir = root
	return run
}

// writeOverlay writes the broken files, and returns the name of the file that has the build use them.
func (s sabotage) writeOverlay(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	replace := map[string]string{}
	for path, text := range s.broken(t) {
		file := filepath.Join(folder, strings.ReplaceAll(path, "/", "_"))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		replace[filepath.Join(top, path)] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))
	return file
}
