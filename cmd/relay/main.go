// Command relay publishes the log to the broker. One works, any number stand by. (README, "Running it in parts")
package main

import (
	"os"

	"ticketing/internal/app"
)

func main() { os.Exit(app.Main("relay", app.RelayNeeds(), app.Relay)) }
