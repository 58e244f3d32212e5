package relay

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/eventstore"
)

// requestLinks returns links to the sampled requests that a page of domain events came from. The records themselves carry the trace
// contexts of their requests, which readers continue.
func requestLinks(page []eventstore.Recorded) []trace.Link {
	const most = 32 // of what may be thousands of requests
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
	return links
}
