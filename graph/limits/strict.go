package limits

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
	"ticketing/graph/scalar"
)

// Strict refuses values that the GraphQL specification does not allow for their type, and that gqlgen would coerce: "12" for an Int, 12 for
// a String, integers of more than 32 bits, two fields of a oneOf input. It also reads the API's own scalars, so that a wrong one is refused
// before anything is executed. It is an extension of gqlgen's executor, and works on validated documents.
type Strict struct {
	Schema *ast.Schema
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = Strict{}

// ExtensionName implements graphql.HandlerExtension.
func (Strict) ExtensionName() string { return "Strict" }

// Validate implements graphql.HandlerExtension.
func (Strict) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses wrong values.
func (s Strict) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	for _, v := range oc.Operation.VariableDefinitions {
		value, given := oc.Variables[v.Variable]
		if !given {
			continue
		}
		value = plainLists(value)
		oc.Variables[v.Variable] = value
		if reason := s.checkValue(v.Type, value); reason != "" {
			return refuseValue("variable $%s: %s", v.Variable, reason)
		}
	}
	if position, reason := (literals{schema: s, seen: map[string]bool{}}).checkSelections(oc.Operation.SelectionSet); reason != "" {
		err := refuseValue("%s", reason)
		err.Locations = []gqlerror.Location{{Line: position.Line, Column: position.Column}}
		return err
	}
	return nil
}

// plainLists returns a variable's value with all its lists as JSON has them: the validator makes a list of a single value, but one of the
// value's own Go type, which nothing behind it knows.
func plainLists(value any) any {
	switch v := value.(type) {
	case nil, string, json.Number, bool, int64, float64:
		return value
	case []any:
		for i := range v {
			v[i] = plainLists(v[i])
		}
		return v
	case map[string]any:
		for name := range v {
			v[name] = plainLists(v[name])
		}
		return v
	}
	list := reflect.ValueOf(value)
	if list.Kind() != reflect.Slice {
		return value
	}
	plain := make([]any, list.Len())
	for i := range plain {
		plain[i] = plainLists(list.Index(i).Interface())
	}
	return plain
}

const notText = "must be a string"

func refuseValue(format string, args ...any) *gqlerror.Error {
	return apierror.New(apierror.ValidationFailed, format, args...).Present()
}

// checkValue returns what is wrong with a variable's value, "" when nothing is. The validator has checked its shape.
func (s Strict) checkValue(t *ast.Type, value any) string {
	if value == nil {
		return ""
	}
	if t.Elem != nil {
		return s.checkList(t, value)
	}
	def := s.Schema.Types[t.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return s.checkObject(def, value)
	case ast.Enum:
		if name, ok := value.(string); !ok || def.EnumValues.ForName(name) == nil {
			return "must be a value of " + def.Name
		}
		return ""
	default:
		return s.checkScalar(t.NamedType, value)
	}
}

func (s Strict) checkList(t *ast.Type, value any) string {
	elements, ok := value.([]any)
	if !ok {
		return s.checkValue(t.Elem, value) // a single value is a list of one
	}
	for i, element := range elements {
		if reason := s.checkValue(t.Elem, element); reason != "" {
			return strconv.Itoa(i) + ": " + reason
		}
	}
	return ""
}

func (s Strict) checkObject(def *ast.Definition, value any) string {
	fields, ok := value.(map[string]any)
	if !ok {
		return "must be a " + def.Name
	}
	if def.Directives.ForName("oneOf") != nil && !exactlyOne(fields) {
		return "must have exactly one field of " + def.Name
	}
	for _, field := range def.Fields {
		if reason := s.checkValue(field.Type, fields[field.Name]); reason != "" {
			return field.Name + ": " + reason
		}
	}
	return ""
}

func exactlyOne(fields map[string]any) bool {
	if len(fields) != 1 {
		return false
	}
	for _, value := range fields {
		return value != nil
	}
	return false
}

// checkScalar checks by the Go type that JSON or a literal was read into.
func (s Strict) checkScalar(name string, value any) string {
	switch name {
	case "Int":
		n, ok := asInteger(value)
		if !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return "must be an integer of 32 bits"
		}
	case "Float":
		if !isNumber(value) {
			return "must be a number"
		}
	case "Boolean":
		if _, ok := value.(bool); !ok {
			return "must be true or false"
		}
	case "ID":
		_, isText := value.(string)
		if _, isInt := asInteger(value); !isText && !isInt {
			return notText
		}
	case "Time":
		if _, err := scalar.UnmarshalTime(value); err != nil {
			return err.Error()
		}
	case "Date":
		if _, err := scalar.UnmarshalDate(value); err != nil {
			return err.Error()
		}
	case "Decimal":
		if _, err := scalar.UnmarshalDecimal(value); err != nil {
			return err.Error()
		}
	case "_Any":
		if _, ok := value.(map[string]any); !ok {
			return "must be an object"
		}
	default:
		if _, ok := value.(string); !ok {
			return notText
		}
	}
	return ""
}

func asInteger(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return 0, false
}

func isNumber(value any) bool {
	switch value.(type) {
	case int64, float64, json.Number:
		return true
	}
	return false
}
