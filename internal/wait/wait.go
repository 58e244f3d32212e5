// Package wait lets time pass for as long as a context allows.
package wait

import (
	"context"
	"time"
)

// For waits for d. It returns the context's cause if ctx ends first.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
