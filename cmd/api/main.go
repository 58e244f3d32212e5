// Command api serves the GraphQL API. Any number may run. (README, "Running it in parts")
package main

import (
	"context"
	"os"

	"ticketing/cmd/parts"
	"ticketing/internal/memory"
)

func main() {
	memory.Spend()
	os.Exit(parts.Main("api", parts.APINeeds(), func(ctx context.Context, e parts.Env) error {
		listener, err := parts.Listen(ctx, e.Config.Addr())
		if err != nil {
			return err
		}
		return parts.API(ctx, e, listener)
	}))
}
