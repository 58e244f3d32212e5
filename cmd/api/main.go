// Command api serves the GraphQL API. Any number may run. (README, "Running it in parts")
package main

import (
	"os"

	"ticketing/cmd/parts"
	"ticketing/internal/memory"
)

func main() {
	memory.Spend()
	os.Exit(parts.APIProgram().Main(os.Args[1:]))
}
