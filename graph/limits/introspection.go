package limits

import "github.com/vektah/gqlparser/v2/ast"

// introspectedLists is about how long the lists of introspection are; those that are not here have one element on average. They are
// multiplied as if each field had arguments and each type fields, which no schema has: a full introspection counts as a few times what
// it returns.
var introspectedLists = map[string]int{
	"types": 150, "fields": 10, "args": 3, "inputFields": 5, "enumValues": 5, "possibleTypes": 5, "directives": 10,
}

// introspection weighs what is below __schema or __type, each fragment once.
type introspection struct {
	fragments map[string]weight
}

func (i introspection) weighSelections(set ast.SelectionSet) weight {
	var total weight
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			total = total.plus(i.weighField(s))
		case *ast.InlineFragment:
			total = total.plus(i.weighSelections(s.SelectionSet))
		case *ast.FragmentSpread:
			weighed, known := i.fragments[s.Name]
			if !known {
				weighed = i.weighSelections(s.Definition.SelectionSet)
				i.fragments[s.Name] = weighed
			}
			total = total.plus(weighed)
		}
	}
	return total
}

func (i introspection) weighField(f *ast.Field) weight {
	own := weight{fields: 1}
	if f.Alias != f.Name {
		own.aliases = 1
	}
	children := i.weighSelections(f.SelectionSet)
	elements := max(1, introspectedLists[f.Name])
	children.schemaValues = saturate((1 + children.schemaValues) * elements)
	return own.plus(children)
}
