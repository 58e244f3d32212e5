package live

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"ticketing/internal/announce"
	"ticketing/internal/telemetry"
)

// mostFrames is how many watches of an object have a change's trace end with them: a hot event has thousands.
const mostFrames = 16

// traced is the trace of a topic's newest change, if that is sampled.
type traced struct {
	cause announce.Cause // announced and not read yet
	read  trace.Span     // nil: none is read
}

// startReads starts a span for each object whose change is traced. The batch's query is below the first of them.
func (f *Feed[T]) startReads(ctx context.Context, ids []string) context.Context {
	if !telemetry.Exports() {
		return ctx
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	within := ctx
	for _, id := range ids {
		t, watched := f.topics[id]
		if !watched || t.traced.cause.Traceparent == "" {
			continue
		}
		own, span := telemetry.StartSpan(t.traced.cause.Follow(ctx), "read watched row", trace.WithSpanKind(trace.SpanKindConsumer))
		t.traced = traced{read: span}
		if within == ctx {
			within = own //nolint:fatcontext // the first only
		}
	}
	return within
}

// endRead ends the span of reading, and returns what led to the state that was read.
func (t *traced) endRead(err error) frames {
	if t.read == nil {
		return frames{}
	}
	telemetry.EndSpan(t.read, err)
	change := frames{t.read.SpanContext(), mostFrames}
	t.read = nil
	return change
}

// frames gives a span to the first watches only.
type frames struct {
	span trace.SpanContext
	left int
}

func (c *frames) next() trace.SpanContext {
	if c.left == 0 {
		return trace.SpanContext{}
	}
	c.left--
	return c.span
}
