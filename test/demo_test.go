package test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoPlaysAnOnSaleThatAddsUp(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	folder, err := binaries()
	require.NoError(t, err)
	demo := exec.CommandContext(t.Context(), filepath.Join(folder, "demo"), "-url", s.url+"/graphql", "-admin", adminEmail, "-customers", "20", "-rush", "1s")
	output, err := demo.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Equal(t, 4, strings.Count(string(output), "\nok "), "%s", output)
}
