package runner

import (
	"cmp"
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"ticketing/internal/announce"
	"ticketing/internal/telemetry"
	"ticketing/projector/projection"
)

// mostSpans is how many records of a batch, which may hold thousands, have spans of their own.
const mostSpans = 64

// traceparentOf returns the span that has received the record, else the one that its domain event has from its request.
func traceparentOf(r *kgo.Record, ofRequest string) string {
	if r.Context != nil && telemetry.IsSampled(r.Context) {
		return telemetry.Traceparent(r.Context)
	}
	return ofRequest
}

// spans are those of a piece of work for several traces. The statements of the work are below the first one, and the others are linked to it.
type spans []trace.Span

// start continues a trace. It returns the context for the work, which is below the first span, and the context of this one.
func (s *spans) start(work context.Context, cause announce.Cause, name string, kind trace.SpanKind, about ...attribute.KeyValue) (ctx, own context.Context) {
	own, span := telemetry.StartSpan(cause.Follow(work), name, trace.WithSpanKind(kind), trace.WithAttributes(about...))
	if !span.IsRecording() {
		return work, own
	}
	if len(*s) == 0 {
		work = own
	} else {
		span.AddLink(trace.Link{SpanContext: (*s)[0].SpanContext()})
	}
	*s = append(*s, span)
	return work, own
}

func (s *spans) end(err error) {
	for _, span := range *s {
		telemetry.EndSpan(span, err)
	}
}

// startSpans continues the traces of sampled requests, with one span for each record, from the fetched batch to its commit. The function
// that it returns ends them. The context knows them as the causes of what is announced.
func startSpans(ctx context.Context, name string, records []projection.Record) (context.Context, func(error)) {
	if !telemetry.Exports() {
		return ctx, func(error) {}
	}
	var all spans
	found := causes{}
	work := ctx
	for i := range records {
		r := &records[i]
		cause := announce.Cause{Traceparent: r.Metadata.Traceparent, CorrelationID: r.Metadata.CorrelationID, UserID: r.Metadata.Actor}
		if len(all) == mostSpans || !telemetry.IsSampled(telemetry.ContinueTrace(ctx, cause.Traceparent)) {
			continue
		}
		next, own := all.start(work, cause, "project "+r.Type, trace.SpanKindConsumer,
			attribute.String("projection", name), attribute.String("stream", r.StreamID), attribute.Int64("version", r.Version))
		work = next //nolint:fatcontext // at most mostSpans
		cause.Traceparent = telemetry.Traceparent(own)
		found[r.AggregateID()] = cause
	}
	return context.WithValue(work, causesKey{}, found), all.end
}

// causes are the causes of a batch's changes, by the ids of aggregates.
type causes map[string]announce.Cause

type causesKey struct{}

func causesOf(ctx context.Context) causes {
	found, _ := ctx.Value(causesKey{}).(causes)
	return found
}

func (c causes) addTo(changes []announce.Change) {
	if len(c) == 0 {
		return
	}
	for i := range changes {
		changes[i].Cause = c[cmp.Or(changes[i].By, changes[i].ID)]
	}
}

// startAnnouncing starts the spans of the changes that have a cause: their readers continue those.
func startAnnouncing(ctx context.Context, changes []announce.Change) (context.Context, func(error)) {
	var all spans
	work := ctx
	for i := range changes {
		c := &changes[i]
		if c.Cause.Traceparent == "" || len(all) == mostSpans {
			continue
		}
		next, own := all.start(work, c.Cause, "announce "+string(c.Kind), trace.SpanKindProducer, attribute.String("id", c.ID), attribute.Int64("version", c.Version))
		work = next //nolint:fatcontext // at most mostSpans
		c.Cause.Traceparent = telemetry.Traceparent(own)
	}
	return work, all.end
}
