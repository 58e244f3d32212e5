package limits

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"ticketing/graph/apierror"
)

// mostComparisons bounds what the validator may do to find out whether fields of one name can be merged: it compares each with each. A
// selection of 150 equal names is at the bound; it takes the validator about 2 ms.
const mostComparisons = 12_000

// Merging refuses documents that take the validator too long, before they are validated. It is an extension of gqlgen's executor.
type Merging struct {
	Tokens int                                      // The parser's limit. Required.
	Known  func(ctx context.Context, q string) bool // Reports whether a document was validated before. Required.
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = Merging{}

// ExtensionName implements graphql.HandlerExtension.
func (Merging) ExtensionName() string { return "Merging" }

// Validate implements graphql.HandlerExtension.
func (Merging) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses a document with too many fields of one name. What can't be parsed is left to the executor.
func (m Merging) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if m.Known(ctx, params.Query) {
		return nil
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, m.Tokens)
	if err != nil || document == nil {
		return nil //nolint:nilerr // the executor says what is wrong with it
	}
	c := comparer{document: document, left: mostComparisons, within: map[string]bool{}}
	for _, operation := range document.Operations {
		c.compareSelections([]ast.SelectionSet{operation.SelectionSet})
	}
	for _, fragment := range document.Fragments {
		c.compareSelections([]ast.SelectionSet{fragment.SelectionSet})
	}
	if c.left <= 0 {
		return apierror.New(apierror.ComplexityExceeded, "the operation is too large: too many fields of the same name").Present()
	}
	return nil
}

// comparer counts down the comparisons that the validator will do.
type comparer struct {
	document *ast.QueryDocument
	left     int
	within   map[string]bool // the fragments around, which the validator refuses to find again inside
}

// compareSelections counts for selections that are merged into one object, and below.
func (c *comparer) compareSelections(sets []ast.SelectionSet) {
	fields, spread := map[string][]ast.SelectionSet{}, map[string]bool{}
	for _, set := range sets {
		c.collectFields(set, fields, spread)
	}
	for name := range spread {
		c.within[name] = true
	}
	for _, same := range fields {
		c.left -= len(same) * (len(same) - 1) / 2
		if c.left <= 0 {
			return
		}
		c.compareSelections(same)
	}
	for name := range spread {
		delete(c.within, name)
	}
}

// collectFields adds the selections of each field to those of the same name in the response. Each fragment counts once for an object.
func (c *comparer) collectFields(set ast.SelectionSet, fields map[string][]ast.SelectionSet, spread map[string]bool) {
	for _, selection := range set {
		if c.left--; c.left <= 0 {
			return
		}
		switch s := selection.(type) {
		case *ast.Field:
			fields[s.Alias] = append(fields[s.Alias], s.SelectionSet)
		case *ast.InlineFragment:
			c.collectFields(s.SelectionSet, fields, spread)
		case *ast.FragmentSpread:
			if spread[s.Name] || c.within[s.Name] {
				continue
			}
			spread[s.Name] = true
			if fragment := c.document.Fragments.ForName(s.Name); fragment != nil {
				c.collectFields(fragment.SelectionSet, fields, spread)
			}
		}
	}
}
