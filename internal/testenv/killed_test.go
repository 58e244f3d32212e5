package testenv_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

const killedVariable = "TICKETING_TEST_KILLED"

// TestWaitToBeKilled is what TestNothingIsLeftBehindAKilledTest kills.
func TestWaitToBeKilled(t *testing.T) {
	if os.Getenv(killedVariable) == "" {
		t.Skip("only for another test")
	}
	testenv.EmptyDatabase(t)
	testenv.Redis(t)
	testenv.Broker(t, 1)
	fmt.Println("ready")
	select {}
}

func TestNothingIsLeftBehindAKilledTest(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "ticketing-test-") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o755))
	killed := exec.Command(os.Args[0], "-test.run=^TestWaitToBeKilled$", "-test.v")
	killed.Env = append(os.Environ(), killedVariable+"=yes", "TMPDIR="+folder)
	output, err := killed.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, killed.Start())
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "ready" {
	}
	require.NotEmpty(t, workingBelow(folder), "there is something to leave behind")
	require.NoError(t, killed.Process.Kill())
	_ = killed.Wait()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		left := workingBelow(folder)
		return len(left) == 0, fmt.Sprint(left)
	})
}

// workingBelow returns the processes whose working directory is in folder, or was before it was removed.
func workingBelow(folder string) []string {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var found []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, folder) {
			found = append(found, link)
		}
	}
	return found
}
