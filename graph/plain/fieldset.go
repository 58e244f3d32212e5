package plain

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
)

// FieldSet is an object of which some fields have to be resolved. It takes the place of gqlgen's, whose generated code sets Values and Invalids;
// there is no @defer.
type FieldSet struct {
	Fields   []graphql.CollectedField
	Values   []graphql.Marshaler // of the fields that are not plain
	Invalids uint32

	plan    *Plan
	plain   []byte // the plain fields with their names; nil: all are left to gqlgen
	cuts    []int  // where the others are missing
	few     [4]int // room for cuts: as many as most objects have
	delayed []delayedField
}

type delayedField struct {
	index   int
	invalid graphql.Marshaler // the value that makes the object invalid
	resolve func(ctx context.Context) graphql.Marshaler
}

// IsPlain reports whether a field is written already.
func (s *FieldSet) IsPlain(i int) bool { return s.plain != nil && s.plan.steps[i].isPlain() }

// ResolveConcurrently has Dispatch resolve a field. A panic fails this field only.
func (s *FieldSet) ResolveConcurrently(
	oc *graphql.OperationContext, i int, recoverFromPanic, nonNull bool, resolve func(ctx context.Context) graphql.Marshaler,
) {
	invalid := graphql.RequiredNull
	if nonNull {
		invalid = graphql.Null
	}
	s.delayed = append(s.delayed, delayedField{i, invalid, func(ctx context.Context) (value graphql.Marshaler) {
		defer func() {
			if !recoverFromPanic {
				return
			}
			if r := recover(); r != nil {
				oc.Error(ctx, oc.Recover(ctx, r))
				value = graphql.Null
			}
		}()
		return resolve(ctx)
	}})
}

// Dispatch resolves the fields at the same time. In all elements of a list but the first it resolves one after another: what they need was read for
// the first one already, and a goroutine would cost more than they do.
func (s *FieldSet) Dispatch(ctx context.Context) {
	switch {
	case len(s.delayed) == 0:
	case len(s.delayed) == 1 || isLaterElement(graphql.GetFieldContext(ctx)):
		for _, d := range s.delayed {
			s.resolveField(ctx, d)
		}
	default:
		var others sync.WaitGroup
		for _, d := range s.delayed[1:] {
			others.Go(func() { s.resolveField(ctx, d) })
		}
		s.resolveField(ctx, s.delayed[0])
		others.Wait()
	}
}

func (s *FieldSet) resolveField(ctx context.Context, d delayedField) {
	value := d.resolve(ctx)
	s.Values[d.index] = value
	if value == d.invalid {
		atomic.AddUint32(&s.Invalids, 1)
	}
}

func isLaterElement(fc *graphql.FieldContext) bool {
	for ; fc != nil; fc = fc.Parent {
		if fc.Index != nil && *fc.Index > 0 {
			return true
		}
	}
	return false
}

// MarshalGQL implements graphql.Marshaler.
func (s *FieldSet) MarshalGQL(w io.Writer) {
	writeText(w, "{")
	written, cut := 0, 0
	for i := range s.plan.steps {
		if s.IsPlain(i) {
			continue
		}
		if s.plain != nil {
			writeBytes(w, s.plain[written:s.cuts[cut]])
			written, cut = s.cuts[cut], cut+1
		}
		s.writeField(w, i)
	}
	writeBytes(w, s.plain[written:])
	writeText(w, "}")
}

func (s *FieldSet) writeField(w io.Writer, i int) {
	if s.plan.steps[i].repeated {
		return
	}
	writeText(w, s.plan.steps[i].key)
	s.Values[i].MarshalGQL(w)
}

func writeBytes(w io.Writer, b []byte)   { _, _ = w.Write(b) }
func writeText(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// json is a value that is written already.
type json []byte

// MarshalGQL implements graphql.Marshaler.
func (j *json) MarshalGQL(w io.Writer) { writeBytes(w, *j) }

func asMarshaler(b []byte) graphql.Marshaler { return (*json)(&b) }
