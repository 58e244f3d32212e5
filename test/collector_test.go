package test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// collector receives spans by OTLP, as Jaeger and others do.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer

	url   string
	mu    sync.Mutex
	spans []collectedSpan
	sent  metadata.MD // the headers of the last export
}

// collectedSpan is a span with the part that made it.
type collectedSpan struct {
	*tracepb.Span
	service string
}

func startCollector(t testing.TB) *collector {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &collector{url: "http://" + listener.Addr().String()}
	server := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	return c
}

// Export implements collectorpb.TraceServiceServer.
func (c *collector) Export(ctx context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent, _ = metadata.FromIncomingContext(ctx)
	for _, resource := range r.GetResourceSpans() {
		service := attributeOf(resource.GetResource().GetAttributes(), "service.name")
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, collectedSpan{span, service})
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func attributeOf(all []*commonpb.KeyValue, key string) string {
	for _, a := range all {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// all returns the spans that have arrived.
func (c *collector) all() []collectedSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans[:len(c.spans):len(c.spans)]
}

// header returns a header of the last export.
func (c *collector) header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.sent.Get(name), ",")
}

// traceTree is the spans of one trace.
type traceTree map[string]collectedSpan // by id

// traceOf returns the trace of the request with this correlation id, nil while there is none.
func (c *collector) traceOf(correlationID string) traceTree {
	all := c.all()
	var id string
	for _, span := range all {
		if len(span.GetParentSpanId()) == 0 && attributeOf(span.GetAttributes(), "correlation.id") == correlationID {
			id = string(span.GetTraceId())
		}
	}
	if id == "" {
		return nil
	}
	tree := traceTree{}
	for _, span := range all {
		if string(span.GetTraceId()) == id {
			tree[string(span.GetSpanId())] = span
		}
	}
	return tree
}

// branch is a span that a trace must have, by patterns of its name and of its parent's (or "grandparent > parent").
type branch struct{ service, name, parent string }

// find returns the span of a branch.
func (t traceTree) find(want branch) (collectedSpan, bool) {
	for _, span := range t {
		parent := t[string(span.GetParentSpanId())]
		path := t[string(parent.GetParentSpanId())].GetName() + " > " + parent.GetName()
		if span.service == want.service && matches(want.name, span.GetName()) && (matches(want.parent, parent.GetName()) || matches(want.parent, path)) {
			return span, true
		}
	}
	return collectedSpan{}, false
}

func matches(pattern, name string) bool {
	return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(name)
}

// missing returns the first branch that the trace does not have, "" if it has all.
func (t traceTree) missing(all []branch) string {
	for _, want := range all {
		if _, found := t.find(want); !found {
			return fmt.Sprintf("no span %q of %s below %q in\n%s", want.name, want.service, want.parent, t)
		}
	}
	return ""
}

// String draws the trace.
func (t traceTree) String() string {
	var lines strings.Builder
	for _, root := range t.childrenOf("") {
		t.draw(&lines, root, 0)
	}
	return lines.String()
}

func (t traceTree) draw(lines *strings.Builder, id string, depth int) {
	span := t[id]
	fmt.Fprintf(lines, "%s%s (%s, %.1f ms)\n", strings.Repeat("  ", depth), span.GetName(), span.service,
		float64(span.GetEndTimeUnixNano()-span.GetStartTimeUnixNano())/1e6)
	for _, child := range t.childrenOf(id) {
		t.draw(lines, child, depth+1)
	}
}

// childrenOf returns the ids of a span's children in the order of their starts; of "", the spans without a parent here.
func (t traceTree) childrenOf(id string) []string {
	var children []string
	for child, span := range t {
		parent := string(span.GetParentSpanId())
		if _, known := t[parent]; parent == id || (id == "" && !known) {
			children = append(children, child)
		}
	}
	slices.SortFunc(children, func(a, b string) int {
		return int(int64(t[a].GetStartTimeUnixNano()) - int64(t[b].GetStartTimeUnixNano()))
	})
	return children
}
