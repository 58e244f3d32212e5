// Command migrate brings the three databases to a version. (docs/deployment.md)
package main

import (
	"os"

	"ticketing/cmd/parts/migrate"
)

func main() { os.Exit(migrate.Main(os.Args[1:])) }
