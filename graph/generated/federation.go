package generated

import (
	"context"

	"ticketing/graph/model"
)

// Federation are the resolvers of the root fields of Apollo Federation, which Resolvers.Query has besides its others: gqlgen leaves them to a
// plugin, whose entities have resolvers of their own.
type Federation interface {
	Entities(ctx context.Context, representations []map[string]any) []model.Node
	Service(ctx context.Context) (model.Service, error)
}

func (ec *executionContext) __resolve_entities(ctx context.Context, representations []map[string]any) []model.Node {
	return ec.Resolvers.Query().(Federation).Entities(ctx, representations)
}

func (ec *executionContext) __resolve__service(ctx context.Context) (model.Service, error) {
	return ec.Resolvers.Query().(Federation).Service(ctx)
}
