package request

import (
	"context"
	"sync/atomic"
)

// Rejection is why a mutation of an operation was rejected: its payload says so, not an error of the operation.
type Rejection struct{ code atomic.Pointer[string] }

type rejectionKey struct{}

// WithRejection returns a context in which NoteRejection finds the Rejection.
func WithRejection(ctx context.Context) (context.Context, *Rejection) {
	r := &Rejection{}
	return context.WithValue(ctx, rejectionKey{}, r), r
}

// NoteRejection notes the code of a rejection, the operation's first one.
func NoteRejection(ctx context.Context, code string) {
	if r, ok := ctx.Value(rejectionKey{}).(*Rejection); ok {
		r.code.CompareAndSwap(nil, &code)
	}
}

// Code returns the code that was noted, "" if none was.
func (r *Rejection) Code() string {
	if code := r.code.Load(); code != nil {
		return *code
	}
	return ""
}
