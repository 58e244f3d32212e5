// Command saga does what falls due: holds expire, sales open and close, payments are reconciled, refunds carried out. Any number may
// run. (README, "Running it in parts")
package main

import (
	"os"

	"ticketing/internal/app"
)

func main() { os.Exit(app.Main("saga", app.SagaNeeds(), app.Saga)) }
