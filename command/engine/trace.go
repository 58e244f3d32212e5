package engine

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/eventstore"
	"ticketing/command/rejection"
	"ticketing/internal/telemetry"
)

// startSpan starts the span of a sampled command. Its domain events name it as the span that they come from.
func (c *call) startSpan() {
	if !telemetry.IsSampled(c.ctx) {
		return
	}
	name := "command"
	if len(c.streams) > 0 {
		category, _ := eventstore.SplitStreamID(c.streams[len(c.streams)-1])
		name += " " + category
	}
	ctx, span := telemetry.StartSpan(c.ctx, name, trace.WithAttributes(attribute.String("streams", strings.Join(c.streams, " "))))
	if span.IsRecording() {
		c.ctx, c.span = ctx, span
		c.Metadata.Traceparent = telemetry.Traceparent(ctx)
	}
}

// endSpan ends the span of a command. A rejection is a result, not a failure.
func (c *call) endSpan(err error) {
	if c.span == nil {
		return
	}
	if rejected, ok := rejection.As(err); ok {
		c.span.SetAttributes(attribute.String("rejection", string(rejected.Code)))
		err = nil
	}
	telemetry.EndSpan(c.span, err)
}

// traceBatch starts the span of a batch below the first sampled command, and links it with the others both ways: a batch serves many. Without
// one it returns ctx and a span that does nothing.
func traceBatch(ctx context.Context, calls []*call, began time.Time) (context.Context, trace.Span) {
	var batch trace.Span
	for _, c := range calls {
		switch {
		case c.span == nil:
		case batch == nil: // once
			options := []trace.SpanStartOption{trace.WithTimestamp(began), trace.WithAttributes(attribute.Int("commands", len(calls)))}
			ctx, batch = telemetry.StartSpan(telemetry.Follow(ctx, c.ctx), "batch", options...) //nolint:fatcontext // as above
		default:
			batch.AddLink(trace.Link{SpanContext: c.span.SpanContext()})
			c.span.AddLink(trace.Link{SpanContext: batch.SpanContext()})
		}
	}
	if batch == nil {
		return ctx, trace.SpanFromContext(context.Background())
	}
	_, lock := telemetry.StartSpan(ctx, "lock the log", trace.WithTimestamp(began))
	lock.End()
	return ctx, batch
}

// commitTraced is commitBatch with a span.
func (e *Engine) commitTraced(ctx context.Context, b *batch) error {
	ctx, span := telemetry.StartSpan(ctx, "append", trace.WithSpanKind(trace.SpanKindClient))
	err := e.commitBatch(ctx, b)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("db.system.name", "postgresql"), attribute.Int64("events", b.chunk.after-e.head.Position))
	}
	telemetry.EndSpan(span, err)
	return err
}
