package relay

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/eventstore"
)

// requests answers links to the sampled requests that a page of domain events came from. The records carry the requests' own trace
// context, so that readers continue those.
func requests(page []eventstore.Recorded) []trace.Link {
	const most = 32 // a page may come from thousands of requests
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
