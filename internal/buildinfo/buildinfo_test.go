package buildinfo

import (
	"bytes"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionIsWhatGoRecorded(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3": {Main: debug.Module{Version: "v1.2.3"}, Settings: commit},
		"abc":    {Main: debug.Module{Version: "(devel)"}, Settings: commit},
		"dev":    {},
	} {
		require.Equal(t, want, moduleVersion(info))
	}
	require.NotEmpty(t, Version())
}

func TestHandleFlags(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{"--version": "api " + Version() + "\n", "--help": "usage: api\n", "-h": "usage: api\n"} {
		var out bytes.Buffer
		require.True(t, HandleFlags(&out, "api", "usage: api", []string{arg}))
		require.Equal(t, want, out.String())
	}
	for _, args := range [][]string{nil, {"serve"}, {"serve", "--help"}} {
		require.False(t, HandleFlags(nil, "api", "usage: api", args))
	}
}
