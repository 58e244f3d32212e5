package graph

import (
	"fmt"
	"maps"

	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/generated"
)

// schema is the API's schema without @defer, which follows an old draft that clients misunderstand.
var schema = func() *ast.Schema {
	changed := *generated.NewExecutableSchema(generated.Config{}).Schema()
	changed.Directives = maps.Clone(changed.Directives)
	delete(changed.Directives, "defer")
	if open := unauthorizedFields(&changed); len(open) > 0 {
		panic(fmt.Sprintf("graph: no @auth on %v", open))
	}
	return &changed
}()

// keyedInputs are the inputs that have an idempotency key.
var keyedInputs = func() map[string]bool {
	keyed := map[string]bool{}
	for name, def := range schema.Types {
		if def.Kind == ast.InputObject && def.Fields.ForName("idempotencyKey") != nil {
			keyed[name] = true
		}
	}
	return keyed
}()
