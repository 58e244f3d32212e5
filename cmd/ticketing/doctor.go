package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"ticketing/cmd/parts/doctor"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
)

// runDoctor is the subcommand doctor: it prints whether what the environment names can be used, and what to do where it can't. It returns the
// exit status of the process.
func runDoctor(ctx context.Context, args []string, environ map[string]string, out io.Writer) int {
	flags := flag.NewFlagSet("ticketing doctor", flag.ContinueOnError)
	if buildinfo.HandleFlagSet(out, flags, args) {
		return statusOK
	}
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return statusNotVerified
	}
	cfg, err := config.Load(environ)
	if err != nil {
		fmt.Fprintln(out, err)
		return statusWrong
	}
	wrong, err := doctor.Run(ctx, cfg, out)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "ticketing doctor:", err)
		return statusNotVerified
	case wrong:
		return statusWrong
	}
	return statusOK
}
