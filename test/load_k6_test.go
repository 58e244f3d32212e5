package test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLoadByK6 is the first part of TestLoad with k6 as the customers, by a script that also fits other installations. k6 fails when a threshold of
// the script is crossed. `make load-k6`.
func TestLoadByK6(t *testing.T) {
	duration := readLoad(t, "K6", 5*time.Minute)
	r := newLoadRun(t, nil)
	k6 := exec.CommandContext(t.Context(), os.Getenv("K6"), "run", "--quiet", "--no-usage-report", "--no-color",
		"--env", "URL="+r.url, "--env", "ADMIN="+adminEmail, "--env", fmt.Sprintf("SECONDS=%d", int(duration.Seconds())), "../deploy/k6/purchase.js")
	output, err := k6.CombinedOutput()
	t.Logf("%s", output)
	require.NoError(t, err)
	r.requireVerified()
}
