// Package limits refuses operations that would cost too much, before anything is executed.
//
// The check itself must be cheap: fragments that spread one another twice are exponential work for a check that expands them. Here every
// fragment is weighed once, and all sums saturate.
package limits

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

// Limits is what one operation may cost. It is an extension of gqlgen's executor, and works on validated documents.
type Limits struct {
	// Depth is how deep selections may be nested.
	Depth int
	// Fields is how many fields an operation may select, fragments expanded.
	Fields int
	// Aliases is how many of them may have an alias.
	Aliases int
	// Complexity is about how many values a response may have: a list counts as often as it asks for elements, and what @cost and
	// @listSize say in the schema counts as much as they say.
	Complexity int
	// Repeated is the same for mutations, which are to be quick, and for subscriptions, which are executed again with each change.
	Repeated int
	// SchemaValues is the same for what introspection returns. The full introspection that tools do counts as about 250,000.
	SchemaValues int
	// Introspection reports whether the schema may be read.
	Introspection bool
}

// Default returns limits that leave room for the largest pages of sensible clients.
func Default() Limits {
	return Limits{Depth: 15, Fields: 2_000, Aliases: 50, Complexity: 20_000, Repeated: 10_000, SchemaValues: 600_000}
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = Limits{}

// ExtensionName implements graphql.HandlerExtension.
func (Limits) ExtensionName() string { return "Limits" }

// Validate implements graphql.HandlerExtension.
func (Limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation that is too large.
func (l Limits) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	oc.DisableIntrospection = !l.Introspection
	w := weigher{vars: oc.Variables, fragments: map[string]weight{}}
	total := w.weighSelections(oc.Operation.SelectionSet)
	switch {
	case total.introspects && !l.Introspection:
		return apierror.New(apierror.ValidationFailed, "introspection is not available here").Present()
	case total.depth > l.Depth:
		return tooMuch("nested deeper than %d levels", l.Depth)
	case total.fields > l.Fields:
		return tooMuch("more than %d fields", l.Fields)
	case total.aliases > l.Aliases:
		return tooMuch("more than %d aliases", l.Aliases)
	case total.schemaValues > l.SchemaValues:
		return tooMuch("more than %d values of the schema", l.SchemaValues)
	}
	cost := Cost{Requested: total.complexity + total.schemaValues/valuesOfSchema, Max: l.most(oc)}
	if total.complexity > cost.Max {
		refused := tooMuch("more than %d values could be in the response: request smaller pages or fewer fields", cost.Max)
		refused.Extensions[costExtension] = cost
		return refused
	}
	oc.Stats.SetExtension(costExtension, cost)
	return nil
}

func (l Limits) most(oc *graphql.OperationContext) int {
	if oc.Operation.Operation == ast.Query {
		return l.Complexity
	}
	return l.Repeated
}

// Cost is what an operation costs, and what it could cost at most.
type Cost struct {
	Requested int `json:"requested"`
	Max       int `json:"max"`
}

const (
	costExtension  = "cost"
	valuesOfSchema = 100 // a value of the schema needs no database and little time
)

// CostOf returns the cost of an operation that passed the limits.
func CostOf(oc *graphql.OperationContext) Cost {
	cost, _ := oc.Stats.GetExtension(costExtension).(Cost)
	return cost
}

func tooMuch(format string, limit int) *gqlerror.Error {
	return apierror.New(apierror.ComplexityExceeded, "the operation is too large: "+format, limit).Present()
}

// weight is what a selection costs.
type weight struct {
	depth, fields, aliases, complexity int
	schemaValues                       int // of introspection
	introspects                        bool
}

const most = 1 << 40 // far above every limit, far below overflow

func saturate(n int) int { return min(n, most) }

func (a weight) plus(b weight) weight {
	return weight{
		depth:        max(a.depth, b.depth),
		fields:       saturate(a.fields + b.fields),
		aliases:      saturate(a.aliases + b.aliases),
		complexity:   saturate(a.complexity + b.complexity),
		schemaValues: saturate(a.schemaValues + b.schemaValues),
		introspects:  a.introspects || b.introspects,
	}
}

type weigher struct {
	vars      map[string]any
	fragments map[string]weight
}

func (w weigher) weighSelections(set ast.SelectionSet) weight {
	var total weight
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			total = total.plus(w.weighField(s))
		case *ast.InlineFragment:
			total = total.plus(w.weighSelections(s.SelectionSet))
		case *ast.FragmentSpread:
			total = total.plus(w.weighFragment(s))
		}
	}
	return total
}

// weighFragment weighs every fragment once. The validator has refused cycles.
func (w weigher) weighFragment(spread *ast.FragmentSpread) weight {
	if known, ok := w.fragments[spread.Name]; ok {
		return known
	}
	weighed := w.weighSelections(spread.Definition.SelectionSet)
	w.fragments[spread.Name] = weighed
	return weighed
}

func (w weigher) weighField(f *ast.Field) weight {
	own := weight{depth: 1, fields: 1, complexity: valuesOf(f)}
	if f.Alias != f.Name {
		own.aliases = 1
	}
	if f.Name == "__schema" || f.Name == "__type" {
		// The validator bounds the depth of introspection.
		inside := introspection{fragments: map[string]weight{}}.weighSelections(f.SelectionSet)
		own.introspects, own.schemaValues = true, inside.schemaValues
		own.fields, own.aliases = saturate(1+inside.fields), saturate(own.aliases+inside.aliases)
		return own
	}
	children := w.weighSelections(f.SelectionSet)
	children.complexity = saturate(children.complexity * w.expectedElements(f))
	children.depth++
	return own.plus(children)
}
