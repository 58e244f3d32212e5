package loader

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalElements resolves the elements of a list one after another. Generated code calls it instead of gqlgen's function, which starts a
// goroutine for each: that would be of no use, since the first element's loads are those of its siblings too, and a response of thousands
// of elements would have as many goroutines, on all processors, before those of other operations.
func MarshalElements(ctx context.Context, length int, marshal func(ctx context.Context, i int) graphql.Marshaler) graphql.Array {
	all := make(graphql.Array, length)
	for i := range all {
		all[i] = marshalElement(graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i}), i, marshal)
	}
	return all
}

// marshalElement has a panic fail this element only.
func marshalElement(ctx context.Context, i int, marshal func(ctx context.Context, i int) graphql.Marshaler) (element graphql.Marshaler) {
	defer func() {
		if r := recover(); r != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, r))
			element = graphql.Null
		}
	}()
	return marshal(ctx, i)
}
