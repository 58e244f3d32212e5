// Command projector keeps read tables up to date. Any number of each projection may run. (README, "Running it in parts")
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"ticketing/cmd/parts"
	"ticketing/internal/buildinfo"
	"ticketing/projector"
)

func main() {
	if buildinfo.HandleFlags(os.Stdout, "projector", usage, os.Args[1:]) {
		return
	}
	var projections []string
	flag.Usage = func() { _, _ = fmt.Fprintln(flag.CommandLine.Output(), usage) }
	flag.Func("projection", "a projection to keep up to date, repeatable: "+strings.Join(projector.Names(), ", ")+" (default: all)", func(name string) error {
		projections = append(projections, name)
		return nil
	})
	flag.Parse()
	if flag.NArg() > 0 {
		os.Exit(operate(flag.Args()))
	}
	os.Exit(parts.ProjectorProgram(projections...).Main(nil))
}
