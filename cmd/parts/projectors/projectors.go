// Package projectors is the command projector: it keeps read tables up to date, and has the subcommands of their operators.
package projectors

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"ticketing/cmd/parts"
	"ticketing/internal/buildinfo"
	"ticketing/projector"
)

// Main runs the command and returns the exit status of the process.
func Main(args []string) int {
	if buildinfo.HandleFlags(os.Stdout, "projector", usage(), args) {
		return done
	}
	var projections []string
	flags := flag.NewFlagSet("projector", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(flags.Output(), usage()) }
	flags.Func("projection", "a projection to keep up to date, repeatable: "+strings.Join(projector.Names(), ", ")+" (default: all)", func(name string) error {
		projections = append(projections, name)
		return nil
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return done
	} else if err != nil {
		return refused
	}
	if flags.NArg() > 0 {
		return operate(flags.Args())
	}
	return parts.ProjectorProgram(projections...).Main(nil)
}
