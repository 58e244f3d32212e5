package graph

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"ticketing/graph/apierror"
	"ticketing/graph/generated"
	"ticketing/graph/model"
	"ticketing/internal/id"
)

// mostRepresentations bounds one _entities: a gateway asks for the elements of a page, and a page has as many.
const mostRepresentations = 100

var _ generated.Federation = queryResolver{}

// Entities returns the objects of references.
func (r queryResolver) Entities(ctx context.Context, representations []map[string]any) []model.Node {
	if len(representations) > mostRepresentations {
		graphql.AddError(ctx, apierror.New(apierror.BadUserInput, "at most %d representations are allowed", mostRepresentations))
		return nil
	}
	entities := make([]model.Node, len(representations))
	var reading sync.WaitGroup
	for i, representation := range representations {
		reading.Go(func() {
			ctx := graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
			defer func() {
				if p := recover(); p != nil {
					oc := graphql.GetOperationContext(ctx)
					oc.Error(ctx, oc.Recover(ctx, p))
				}
			}()
			entity, err := r.findEntity(ctx, representation)
			if err != nil {
				graphql.AddError(ctx, err)
				return
			}
			entities[i] = entity
		})
	}
	reading.Wait()
	return entities
}

func (r queryResolver) findEntity(ctx context.Context, representation map[string]any) (model.Node, error) {
	nodeID, hasID := representation["id"].(string)
	typeName, hasType := representation["__typename"].(string)
	if !hasID || !hasType {
		return nil, apierror.New(apierror.BadUserInput, "a representation has a __typename and an id")
	}
	found, err := r.Node(ctx, nodeID)
	if err != nil || nodeTypes[id.Prefix(nodeID)] != typeName {
		return nil, err
	}
	return found, nil
}

// Service returns the schema for a gateway.
func (queryResolver) Service(ctx context.Context) (model.Service, error) {
	if graphql.GetOperationContext(ctx).DisableIntrospection {
		return model.Service{}, apierror.New(apierror.Forbidden, "the schema is at /schema.graphql; only admins read _service")
	}
	return model.Service{Sdl: subgraphSchema()}, nil
}

// subgraphHeader imports what the schema uses of Apollo Federation, and defines what its composition does not know.
const subgraphHeader = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
directive @oneOf on INPUT_OBJECT
`

// subgraphSchema returns the schema without what a gateway adds itself, and with the keys of its entities.
var subgraphSchema = sync.OnceValue(func() string {
	subgraph := *schema
	subgraph.Types = maps.Clone(schema.Types)
	maps.DeleteFunc(subgraph.Types, func(name string, _ *ast.Definition) bool { return isFederation(name) })
	root := *schema.Query
	root.Fields = slices.DeleteFunc(slices.Clone(root.Fields), func(f *ast.FieldDefinition) bool { return isFederation(f.Name) })
	subgraph.Query, subgraph.Types[root.Name] = &root, &root
	key := &ast.Directive{Name: "key", Arguments: ast.ArgumentList{{Name: "fields", Value: &ast.Value{Kind: ast.StringValue, Raw: "id"}}}}
	for _, entity := range schema.PossibleTypes["Node"] {
		keyed := *entity
		keyed.Directives = append(slices.Clone(keyed.Directives), key)
		subgraph.Types[keyed.Name] = &keyed
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(&subgraph)
	return subgraphHeader + b.String()
})

// isFederation reports whether a name is one of those that the specification of Apollo Federation adds to a schema.
func isFederation(name string) bool {
	return strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "__")
}
