package plain

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Plan is how a selection of a type's fields is written.
type Plan struct {
	fields []graphql.CollectedField
	steps  []step       // of each field
	whole  bool         // all fields are plain
	some   bool         // some are
	size   atomic.Int64 // of the last object
}

// step is how one field is written.
type step struct {
	key      string // with the comma before it
	index    int    // of the field in its type
	child    *Plan
	literal  string // of __typename
	repeated bool   // the same is written already
}

// The indexes of fields that are not in Type.Fields.
const (
	notPlain = -1
	typename = -2
)

func (s *step) isPlain() bool { return s.index != notPlain }

// Plans are the plans of one operation. The zero value is ready to use, by several goroutines.
type Plans struct {
	mu    sync.Mutex
	known map[planKey]*Plan
}

type planKey struct {
	first  *ast.Selection
	length int
	of     string
}

// planOf returns the plan for a selection of an object.
func (p *Plans) planOf(ctx context.Context, oc *graphql.OperationContext, sel ast.SelectionSet, t Object) *Plan {
	key := planKey{first: &sel[0], length: len(sel), of: t.name()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[key]; known != nil {
		return known
	}
	if p.known == nil {
		p.known = map[planKey]*Plan{}
	}
	made := makePlan(oc, sel, t)
	if ctx.Value(withoutKey{}) != nil {
		for i := range made.steps {
			made.steps[i].index = notPlain
		}
		made.whole, made.some = false, false
	}
	p.known[key] = made
	return made
}

func makePlan(oc *graphql.OperationContext, sel ast.SelectionSet, t Object) *Plan {
	p := &Plan{fields: graphql.CollectFields(oc, sel, t.implementors()), whole: true}
	p.size.Store(firstSize)
	written := map[string]bool{}
	for i, field := range p.fields {
		s := makeStep(oc, field, t)
		if s.key = strconv.Quote(field.Alias) + ":"; i > 0 {
			s.key = "," + s.key
		}
		s.repeated = written[field.Alias]
		written[field.Alias] = true
		p.whole, p.some = p.whole && s.isPlain(), p.some || s.isPlain()
		p.steps = append(p.steps, s)
	}
	return p
}

func makeStep(oc *graphql.OperationContext, field graphql.CollectedField, t Object) step {
	if field.Name == "__typename" {
		return step{index: typename, literal: strconv.Quote(t.name())}
	}
	index, of, ok := t.findField(field.Name)
	switch {
	case !ok:
		return step{index: notPlain}
	case of == nil:
		return step{index: index}
	}
	child := makePlan(oc, field.Selections, of)
	if !child.whole {
		index = notPlain
	}
	return step{index: index, child: child}
}

type withoutKey struct{}

// Without returns a context in which everything is left to gqlgen, to compare the two.
func Without(ctx context.Context) context.Context { return context.WithValue(ctx, withoutKey{}, true) }
