package sabotage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// Sabotage that no longer fits the sources, or that the page does not have, proves nothing.
func TestSabotageFitsTheSources(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	require.NoError(t, err)
	for _, s := range sabotages {
		s.broken(t)
		var names []string
		for _, one := range s.noticing() {
			names = append(names, fmt.Sprintf("`%s.%s`", one.folder, one.name))
		}
		require.Contains(t, string(page), fmt.Sprintf("| %s | %s |\n", s.name, strings.Join(names, ", ")))
	}
}

// Each test that is named fails when what it is there for is broken. The run takes minutes: `make test-sabotage`.
func TestSabotageIsNoticed(t *testing.T) {
	only := os.Getenv("SABOTAGE")
	if only == "" {
		t.Skip("make test-sabotage runs it")
	}
	for _, s := range sabotages {
		if only == "all" || strings.Contains(s.name, only) {
			t.Run(s.name, s.requireNoticed)
		}
	}
}

func (s sabotage) requireNoticed(t *testing.T) {
	overlay := s.writeOverlay(t)
	for _, one := range s.noticing() {
		run := exec.CommandContext(t.Context(), "go", "test", "-overlay="+overlay, "-vet=off", "-timeout=10m", fmt.Sprintf("-count=%d", max(s.count, 1)),
			"-run=^"+one.name+"$", "./"+one.folder)
		run.Dir, run.Env = root, append(os.Environ(), "DURATION=4m") // of a simulation, at most
		output, err := run.CombinedOutput()
		require.Error(t, err, "%s passes: %s", one.name, output)
		noticed := bytes.Contains(output, []byte("--- FAIL: "+one.name)) || bytes.Contains(output, []byte("panic: "))
		require.True(t, noticed, "%s did not fail, its build did: %s", one.name, output)
		t.Logf("%s fails: %s", one.name, saidBy(output)) // whoever reads it sees whether that is what was broken
	}
}

// saidBy returns what a failing test says is wrong: its messages, or the first lines of its panic.
func saidBy(output []byte) string {
	const most = 600
	for _, start := range []string{"Error:", "panic: ", "--- FAIL: "} {
		if i := bytes.Index(output, []byte(start)); i >= 0 {
			return string(output[i:min(len(output), i+most)])
		}
	}
	return string(output[:min(len(output), most)])
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
