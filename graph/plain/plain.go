// Package plain writes what a resolved object has already: its fields without a resolver, and the objects and lists in these. gqlgen makes a
// context, a marshaler and some closures for each of them, which costs more than all else that a query needs; here they are appended to the
// object's JSON. The generated code calls it before gqlgen's own (generate says how).
//
// It promises the same bytes. Whatever has a resolver, takes arguments or has a value that its type does not allow is left to gqlgen,
// which says what is wrong with it. So is an object in which something panics.
package plain

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Type is the plain fields of a type of the schema, whose objects are T.
type Type[T any] struct {
	Name         string
	Implementors []string // its name and those of its interfaces
	Fields       []Field[T]
}

// Field is a plain field.
type Field[T any] struct {
	Name string
	// Of is the type of the field's objects, nil for scalars.
	Of Object
	// Append appends the field's value. It returns nil for what gqlgen has to say something about.
	Append func(b []byte, obj *T, p *Plan) []byte
}

// Object is any Type.
type Object interface {
	name() string
	implementors() []string
	// findField returns a field's index and the type of its objects; false for a field that is not plain.
	findField(field string) (index int, of Object, ok bool)
}

func (t *Type[T]) name() string           { return t.Name }
func (t *Type[T]) implementors() []string { return t.Implementors }

func (t *Type[T]) findField(field string) (index int, of Object, ok bool) {
	for i := range t.Fields {
		if t.Fields[i].Name == field {
			return i, t.Fields[i].Of, true
		}
	}
	return 0, nil, false
}

// Begin returns the object's JSON if all that is selected of it is plain. Otherwise it returns the object with its plain fields; the caller
// resolves the others.
func Begin[T any](ctx context.Context, plans *Plans, oc *graphql.OperationContext, t *Type[T], sel ast.SelectionSet, obj *T) (whole graphql.Marshaler, rest *FieldSet) {
	p := plans.planOf(ctx, oc, sel, t)
	if p.whole {
		if b := tryAppend(p, 1, func(b []byte) []byte { return AppendObject(b, t, p, obj) }); b != nil {
			return asMarshaler(b), nil
		}
	}
	out := &FieldSet{Fields: p.fields, Values: make([]graphql.Marshaler, len(p.fields)), plan: p}
	if p.some && !p.whole {
		out.plain = tryAppend(p, 1, func(b []byte) []byte { return appendSome(b, t, p, obj, out) })
	}
	return nil, out
}

// appendSome appends an object up to its end without the fields that are not plain, and notes where those are missing.
func appendSome[T any](b []byte, t *Type[T], p *Plan, obj *T, out *FieldSet) []byte {
	out.cuts = out.few[:0]
	for i := range p.steps {
		s := &p.steps[i]
		if !s.isPlain() {
			out.cuts = append(out.cuts, len(b))
			continue
		}
		if b = appendStep(b, t, s, obj); b == nil {
			return nil
		}
	}
	return b
}

func appendStep[T any](b []byte, t *Type[T], s *step, obj *T) []byte {
	switch {
	case s.repeated:
		return b
	case s.index == typename:
		return append(append(b, s.key...), s.literal...)
	}
	return t.Fields[s.index].Append(append(b, s.key...), obj, s.child)
}

// List returns the JSON of a list of objects of which only plain fields are selected, nil for others.
func List[T any](ctx context.Context, plans *Plans, oc *graphql.OperationContext, t *Type[T], sel ast.SelectionSet, list []T) graphql.Marshaler {
	return wholeList(ctx, plans, oc, t, sel, list, AppendList[T])
}

// Pointers is List for pointers.
func Pointers[T any](ctx context.Context, plans *Plans, oc *graphql.OperationContext, t *Type[T], sel ast.SelectionSet, list []*T) graphql.Marshaler {
	return wholeList(ctx, plans, oc, t, sel, list, AppendPointers[T])
}

func wholeList[T, E any](
	ctx context.Context, plans *Plans, oc *graphql.OperationContext, t *Type[T], sel ast.SelectionSet, list []E,
	appendAll func([]byte, *Type[T], *Plan, []E) []byte,
) graphql.Marshaler {
	if list == nil {
		return nil
	}
	p := plans.planOf(ctx, oc, sel, t)
	if !p.whole {
		return nil
	}
	b := tryAppend(p, len(list), func(b []byte) []byte { return appendAll(b, t, p, list) })
	if b == nil {
		return nil
	}
	return asMarshaler(b)
}

// tryAppend returns what write appends to a new buffer, nil if it panics: gqlgen meets the same, and says where.
func tryAppend(p *Plan, objects int, write func(b []byte) []byte) (b []byte) {
	defer func() {
		if recover() != nil {
			b = nil
		}
	}()
	b = write(make([]byte, 0, p.size.Load()*int64(objects)+brackets))
	if b != nil && objects > 0 {
		p.size.Store(int64(len(b)/objects + spare))
	}
	return b
}

// The buffer of an object is as long as the last one of its plan and spare bytes, since names and numbers differ in length. brackets are those of
// a list.
const (
	firstSize = 128
	spare     = 16
	brackets  = 2
)
