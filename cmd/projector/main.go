// Command projector keeps read tables up to date. Any number of each projection may run. (README, "Running it in parts")
package main

import (
	"os"

	"ticketing/cmd/parts/projectors"
)

func main() { os.Exit(projectors.Main(os.Args[1:])) }
