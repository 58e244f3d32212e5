// Package buildinfo says which version of the product this binary is, and gives every binary the same --version and --help.
package buildinfo

import (
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
)

// version is set by the linker: -X ticketing/internal/buildinfo.version=v1.2.3.
var version string

// Version returns the version set at link time, else what Go recorded about the module or the commit, else "dev".
var Version = sync.OnceValue(func() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	return moduleVersion(info)
})

func moduleVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return "dev"
}

// HandleFlags prints the version or the usage if that is the first argument, and reports whether it did.
func HandleFlags(out io.Writer, program, usage string, args []string) bool {
	if len(args) == 0 {
		return false
	}
	switch args[0] {
	case "--version", "-version":
		_, _ = fmt.Fprintln(out, program, Version())
	case "--help", "-help", "-h":
		_, _ = fmt.Fprintln(out, usage)
	default:
		return false
	}
	return true
}

// HandleFlagSet is HandleFlags of a program with flags of its own, which its usage lists.
func HandleFlagSet(out io.Writer, flags *flag.FlagSet, args []string) bool {
	var usage strings.Builder
	fmt.Fprintf(&usage, "usage: %s [--version | --help] [flags]\n", flags.Name())
	before := flags.Output()
	flags.SetOutput(&usage)
	flags.PrintDefaults()
	flags.SetOutput(before)
	return HandleFlags(out, flags.Name(), strings.TrimSpace(usage.String()), args)
}
