package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Users sign in through the mailed link and work with GraphiQL in a real browser, which fails if a page does what it must not. Screenshots of
// all pages are kept with `go test -artifacts`.
func TestAdminsWorkWithGraphiQLInABrowser(t *testing.T) {
	t.Parallel()
	chromium := findChromium(t)
	env := newEnvironment(t)
	env["AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING"] = "false" // the link is read from the mail
	s := startSystemIn(t, env)

	runInBrowser(t, "graphiql.mjs", chromium, s.url, filepath.Join(s.cfg.DataDir, "mail"), t.ArtifactDir(), adminEmail, "carol@example.com")

	require.Equal(t, 1, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE type = 'EventCreated'`), "GraphiQL acted")
	require.Equal(t, 2, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`),
		"each press of the button was one action")
}

// findChromium returns Chromium's path.
func findChromium(t *testing.T) string {
	t.Helper()
	_, missing := os.Stat("browser/node_modules")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && missing == nil {
			return path
		}
	}
	require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI")
	t.Skip("run `make test`, or install Chromium and run `npm ci` in test/browser, to test the pages in a browser")
	return ""
}

// runInBrowser runs a program of the folder browser, and prints what it said if it fails.
func runInBrowser(t *testing.T, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{program}, args...)...)
	cmd.Dir = "browser"
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // ends its browser, too
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	t.Logf("%s", output)
}
