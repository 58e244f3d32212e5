// Command relay publishes the log to the broker. One works, any number stand by. (README, "Running it in parts")
package main

import (
	"os"

	"ticketing/cmd/parts"
)

func main() { os.Exit(parts.RelayProgram().Main(os.Args[1:])) }
