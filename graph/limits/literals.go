package limits

import "github.com/vektah/gqlparser/v2/ast"

// literals checks the values that are written in the operation itself, each fragment once.
type literals struct {
	schema Strict
	seen   map[string]bool
}

func (l literals) checkSelections(set ast.SelectionSet) (*ast.Position, string) {
	for _, selection := range set {
		if position, reason := l.checkSelection(selection); reason != "" {
			return position, reason
		}
	}
	return nil, ""
}

func (l literals) checkSelection(selection ast.Selection) (*ast.Position, string) {
	switch s := selection.(type) {
	case *ast.Field:
		for _, arg := range s.Arguments {
			if position, reason := l.checkValue(arg.Value); reason != "" {
				return position, arg.Name + ": " + reason
			}
		}
		return l.checkSelections(s.SelectionSet)
	case *ast.InlineFragment:
		return l.checkSelections(s.SelectionSet)
	case *ast.FragmentSpread:
		if !l.seen[s.Name] {
			l.seen[s.Name] = true
			return l.checkSelections(s.Definition.SelectionSet)
		}
	}
	return nil, ""
}

func (l literals) checkValue(v *ast.Value) (*ast.Position, string) {
	switch v.Kind {
	case ast.Variable, ast.NullValue:
		return nil, ""
	case ast.ListValue, ast.ObjectValue:
		for _, child := range v.Children {
			if position, reason := l.checkValue(child.Value); reason != "" {
				return position, child.Name + ": " + reason
			}
		}
		return nil, ""
	default:
		return v.Position, l.checkLeaf(v)
	}
}

// checkLeaf checks what the validator does not: the size of integers and the API's own scalars.
func (l literals) checkLeaf(v *ast.Value) string {
	if v.Definition == nil || v.Definition.Kind != ast.Scalar {
		return ""
	}
	switch name := v.Definition.Name; name {
	case "Int":
		value, _ := v.Value(nil)
		return l.schema.checkScalar(name, value)
	case "Time", "Date", "Decimal":
		if v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
			return notText
		}
		return l.schema.checkScalar(name, v.Raw)
	}
	return ""
}
