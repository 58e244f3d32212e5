// Command saga does what falls due: holds expire, sales open and close, payments are reconciled, refunds are made. Any number may run.
// (README, "Running it in parts")
package main

import (
	"os"

	"ticketing/cmd/parts"
)

func main() { os.Exit(parts.SagaProgram().Main(os.Args[1:])) }
