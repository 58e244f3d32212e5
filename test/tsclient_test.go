package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// runNode runs a program of a Node.js package in this repository, in the package's folder.
func runNode(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	command := exec.CommandContext(ctx, "node", append([]string{program}, args...)...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// needNodePackages skips a test where the packages of a folder are not installed.
func needNodePackages(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI")
		t.Skipf("run `npm ci` in %s", folder)
	}
}

// The package's types are checked on the way: tsc builds what runs.
func TestAGuestBuysWithTheClientInTypeScript(t *testing.T) {
	t.Parallel()
	const folder = "../clients/typescript"
	needNodePackages(t, folder)
	runNode(t, folder, "node_modules/typescript/bin/tsc")
	s := startSystem(t)
	event := startSale(t, s.url+"/graphql")
	out := runNode(t, folder, "test/buy.mjs", s.url+"/graphql", event.Id)
	for _, line := range []string{"reservations: 1", "payment: COMPLETED", "paid, says sse", "paid, says ws", "tickets: 2"} {
		require.Contains(t, out, line+"\n")
	}
}
