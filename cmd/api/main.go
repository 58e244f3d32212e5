// Command api serves the GraphQL API. Any number may run. (README, "Running it in parts")
package main

import (
	"context"
	"os"

	"ticketing/internal/app"
	"ticketing/internal/memory"
)

func main() {
	memory.Spend()
	os.Exit(app.Main("api", app.APINeeds(), func(ctx context.Context, e app.Env) error {
		listener, err := app.Listen(ctx, e.Config.Addr())
		if err != nil {
			return err
		}
		return app.API(ctx, e, listener)
	}))
}
