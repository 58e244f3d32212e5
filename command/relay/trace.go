package relay

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/eventstore"
)

// startSpan begins a span for publishing a page, linked to the sampled requests that its domain events came from. The records carry
// the requests' own trace context, so that readers continue those.
func startSpan(ctx context.Context, page []eventstore.Recorded) (context.Context, trace.Span) {
	const most = 32 // links: a page may come from thousands of requests
	var links []trace.Link
	var last string
	for i := range page {
		parent := page[i].Metadata.Traceparent
		if parent == "" || parent == last || len(links) == most {
			continue
		}
		last = parent
		request := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(),
			propagation.MapCarrier{"traceparent": parent}))
		if request.IsSampled() {
			links = append(links, trace.Link{SpanContext: request})
		}
	}
	return otel.Tracer("ticketing/command/relay").Start(ctx, "relay publish", trace.WithLinks(links...),
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attribute.Int("records", len(page))))
}
