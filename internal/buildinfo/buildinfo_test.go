package buildinfo

import (
	"bytes"
	"flag"
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

func TestHandleFlagSet(t *testing.T) {
	t.Parallel()
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.Int("customers", 200, "number of customers")
	for arg, want := range map[string]string{"--version": "demo " + Version() + "\n", "-h": "usage: demo [--version | --help] [flags]\n  -customers int\n"} {
		var out bytes.Buffer
		require.True(t, HandleFlagSet(&out, flags, []string{arg}))
		require.Contains(t, out.String(), want)
	}
	require.False(t, HandleFlagSet(nil, flags, []string{"-customers", "3"}))
}
