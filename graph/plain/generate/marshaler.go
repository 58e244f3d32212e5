package main

import (
	"fmt"
	"regexp"
	"strings"
)

// marshaler is a function that gqlgen generated for a type of values.
type marshaler struct {
	scalar   string // the function that appends it, for a scalar
	object   string // the type, for an object
	element  string // the marshaler of its elements, for a list
	pointer  bool   // the value is a pointer
	nullable bool   // nil is null
	checked  bool   // nil is looked for
}

// appenders append what gqlgen's own functions marshal.
var appenders = map[string]string{
	"graphql.MarshalString": "plain.AppendString", "graphql.MarshalID": "plain.AppendString", "graphql.MarshalBoolean": "plain.AppendBoolean",
	"graphql.MarshalInt": "plain.AppendInt[int]", "graphql.MarshalInt32": "plain.AppendInt[int32]", "graphql.MarshalInt64": "plain.AppendInt[int64]",
}

var (
	scalarMarshaler = regexp.MustCompile(`(?m)^\s*res := (\w+\.Marshal\w+)\((\*?)v\)$`)
	objectMarshaler = regexp.MustCompile(`(?m)^\s*return ec\._([A-Za-z]\w*)\(ctx, sel, (&?)v\)$`)
	listMarshaler   = regexp.MustCompile(`(?m)(?:return|ret\[i\] =) ec\.(marshal[^(]+)\(ctx, sel, v\[i\]\)$`)
)

func readMarshaler(text string) marshaler {
	m := marshaler{checked: strings.Contains(text, "if v == nil {")}
	m.nullable = m.checked && !strings.Contains(text, "AddInvalidNullError(")
	if found := listMarshaler.FindStringSubmatch(text); found != nil {
		m.element = found[1]
		return m
	}
	if found := scalarMarshaler.FindStringSubmatch(text); found != nil {
		m.scalar, m.pointer = appenderOf(found[1]), found[2] != ""
		return m
	}
	if found := objectMarshaler.FindStringSubmatch(text); found != nil {
		m.object, m.pointer = found[1], found[2] == ""
	}
	return m
}

// appenderOf returns the function that appends what another one marshals, "" if there is none.
func appenderOf(marshal string) string {
	if appender, known := appenders[marshal]; known {
		return appender
	}
	if name, ours := strings.CutPrefix(marshal, "scalar.Marshal"); ours {
		return "scalar.Append" + name
	}
	return ""
}

// appendStatement returns the body of the function that appends a field, and the type of its objects; "" for a field that is not plain.
func (s *schema) appendStatement(f field) (body, of string) {
	m := s.marshalers[f.marshaler]
	switch {
	case m.element != "":
		return s.appendList(f, m)
	case m.object != "":
		return s.appendObject(f, m), m.object
	case m.scalar == "":
		return "", ""
	case m.pointer && m.nullable:
		return fmt.Sprintf("plain.AppendOptional(b, %s, %s)", f.value, m.scalar), ""
	case m.pointer || m.checked:
		return "", ""
	}
	return fmt.Sprintf("%s(b, %s)", m.scalar, f.value), ""
}

func (s *schema) appendObject(f field, m marshaler) string {
	if s.types[m.object] == nil || s.types[m.object].goType == "" {
		return ""
	}
	switch {
	case !m.pointer && strings.HasSuffix(f.value, ")"):
		return "" // has no address
	case !m.pointer:
		return fmt.Sprintf("plain.AppendObject(b, &%s, p, &%s)", tableName(m.object), f.value)
	case m.nullable:
		return fmt.Sprintf("plain.AppendOptionalObject(b, &%s, p, %s)", tableName(m.object), f.value)
	}
	return fmt.Sprintf("plain.AppendRequiredObject(b, &%s, p, %s)", tableName(m.object), f.value)
}

func (s *schema) appendList(f field, m marshaler) (body, of string) {
	element := s.marshalers[m.element]
	if element.scalar != "" && !element.pointer && !element.checked && !m.checked {
		return fmt.Sprintf("plain.AppendScalars(b, %s, %s)", f.value, element.scalar), ""
	}
	appendAll := s.listFunction(m)
	if appendAll == "" {
		return "", ""
	}
	if m.nullable {
		return fmt.Sprintf("plain.AppendOptionalList(b, &%s, p, %s, plain.Append%s)", tableName(element.object), f.value, appendAll), element.object
	}
	return fmt.Sprintf("plain.Append%s(b, &%s, p, %s)", appendAll, tableName(element.object), f.value), element.object
}

// listFunction returns the name of the function for a list of objects that can't be null, "" for other lists.
func (s *schema) listFunction(m marshaler) string {
	element := s.marshalers[m.element]
	switch t := s.types[element.object]; {
	case element.object == "" || t == nil || t.goType == "" || element.nullable:
		return ""
	case element.pointer:
		return "Pointers"
	}
	return "List"
}

func tableName(object string) string { return "plain" + object }
