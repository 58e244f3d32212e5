package limits

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	defaultPage = 20
	largestPage = 100
	plainList   = 5 // lists without pages and without @listSize: seats of a reservation, payments, refunds
)

// expectedElements returns how often the children of a field are expected in the response.
func (w weigher) expectedElements(f *ast.Field) int {
	if f.Definition == nil {
		return 1
	}
	if f.Definition.Arguments.ForName("first") != nil {
		return w.pageSize(f)
	}
	inPage := f.ObjectDefinition != nil && strings.HasSuffix(f.ObjectDefinition.Name, "Connection")
	if f.Definition.Type.Elem == nil || inPage {
		return 1 // a page's edges and nodes are counted at the field that has the page
	}
	if size, declared := numberOfDirective(f, "listSize", "assumedSize"); declared {
		return size
	}
	return plainList
}

// valuesOf returns as how many values the field itself counts: 1, unless @cost says that it is long or takes more to make.
func valuesOf(f *ast.Field) int {
	if cost, declared := numberOfDirective(f, "cost", "weight"); declared {
		return cost
	}
	return 1
}

// numberOfDirective returns a number that the schema declares for a field.
func numberOfDirective(f *ast.Field, directive, argument string) (number int, declared bool) {
	if f.Definition == nil {
		return 0, false
	}
	d := f.Definition.Directives.ForName(directive)
	if d == nil || d.Arguments.ForName(argument) == nil {
		return 0, false
	}
	number, err := strconv.Atoi(d.Arguments.ForName(argument).Value.Raw)
	return number, err == nil
}

// pageSize returns what first or last asks for. A size that is too large counts as the largest page.
func (w weigher) pageSize(f *ast.Field) int {
	size := 0
	for _, name := range []string{"first", "last"} {
		if arg := f.Arguments.ForName(name); arg != nil {
			size = max(size, w.numberOf(arg.Value))
		}
	}
	if size <= 0 {
		size = defaultPage
	}
	return min(size, largestPage)
}

func (w weigher) numberOf(v *ast.Value) int {
	value, err := v.Value(w.vars)
	if err != nil {
		return largestPage
	}
	switch n := value.(type) {
	case int64:
		return int(n)
	case json.Number:
		i, err := n.Int64()
		if err != nil {
			return largestPage
		}
		return int(i)
	}
	return 0
}
