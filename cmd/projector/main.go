// Command projector keeps read tables up to date. Any number of each projection may run. (README, "Running it in parts")
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"ticketing/cmd/parts"
	"ticketing/projector"
)

func main() {
	var projections []string
	flag.Usage = func() { _, _ = fmt.Fprintln(flag.CommandLine.Output(), usage) }
	flag.Func("projection", "a projection to keep, repeatable: "+strings.Join(projector.Names(), ", ")+" (default: all)", func(name string) error {
		projections = append(projections, name)
		return nil
	})
	flag.Parse()
	if flag.NArg() > 0 {
		os.Exit(operate(flag.Args()))
	}
	os.Exit(parts.Main("projector", parts.ProjectorNeeds(), func(ctx context.Context, e parts.Env) error {
		return parts.Projector(ctx, e, projections...)
	}))
}
