package runner

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ticketing/projector/projection"
)

// startSpans continues the traces of sampled requests, with one span for each record, from the fetched batch to its commit. The function
// that it returns ends them.
func startSpans(ctx context.Context, name string, records []projection.Record) func(error) {
	const most = 64 // a batch may hold thousands
	tracer := otel.Tracer("ticketing/projector")
	var spans []trace.Span
	for i := range records {
		r := &records[i]
		if r.Metadata.Traceparent == "" || len(spans) == most {
			continue
		}
		parent := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": r.Metadata.Traceparent})
		if !trace.SpanContextFromContext(parent).IsSampled() {
			continue
		}
		_, span := tracer.Start(parent, "project "+r.Type, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("projection", name), attribute.String("stream", r.StreamID), attribute.Int64("version", r.Version)))
		spans = append(spans, span)
	}
	return func(err error) {
		for _, span := range spans {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	}
}
