package test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// jaeger is a real Jaeger, with its storage in memory.
type jaeger struct {
	t         testing.TB
	otlp, api string
}

// startJaeger runs the program that JAEGER names (make test-jaeger builds it).
func startJaeger(t testing.TB) *jaeger {
	t.Helper()
	program := os.Getenv("JAEGER")
	if program == "" {
		t.Skip("JAEGER names no program: use make test-jaeger")
	}
	address := func() string {
		port, err := services.FreePort()
		require.NoError(t, err)
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	j := &jaeger{t: t, otlp: address(), api: address()}
	log, err := os.Create(filepath.Join(t.TempDir(), "jaeger.log"))
	require.NoError(t, err)
	child, err := process.Start(process.Spec{Path: program, Stdout: log, Stderr: log, Env: append(os.Environ(), "SPAN_STORAGE_TYPE=memory"), Args: []string{
		"--collector.otlp.grpc.host-port=" + j.otlp, "--collector.otlp.http.host-port=" + address(), "--query.http-server.host-port=" + j.api,
		"--query.grpc-server.host-port=" + address(), "--collector.grpc-server.host-port=" + address(), "--collector.http-server.host-port=" + address(),
		"--admin.http.host-port=" + address(),
	}})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = child.Kill()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("output of Jaeger:\n%s", text)
		}
	})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		response, err := http.Get("http://" + j.api + "/api/services")
		if err != nil {
			return false, err.Error()
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, response.Status
	})
	return j
}

// jaegerTraces is the response of Jaeger's API.
type jaegerTraces struct {
	Data []struct {
		Spans []struct {
			TraceID, SpanID, OperationName, ProcessID string
			References                                []struct{ RefType, TraceID, SpanID string }
			StartTime, Duration                       int64 // µs
			Tags                                      []struct {
				Key   string
				Value any
			}
		}
		Processes map[string]struct{ ServiceName string }
	}
}

// traceOf returns the trace of the request with this correlation id, as Jaeger has it.
func (j *jaeger) traceOf(correlationID string) traceTree {
	j.t.Helper()
	tags, err := json.Marshal(map[string]string{"correlation.id": correlationID})
	require.NoError(j.t, err)
	var found jaegerTraces
	require.NoError(j.t, json.Unmarshal([]byte(getBody(j.t, "http://"+j.api+"/api/traces?service=api&tags="+url.QueryEscape(string(tags)))), &found))
	tree := traceTree{}
	for _, trace := range found.Data {
		for _, span := range trace.Spans {
			s := &tracepb.Span{
				Name: span.OperationName, SpanId: fromHex(span.SpanID), TraceId: fromHex(span.TraceID),
				StartTimeUnixNano: uint64(span.StartTime) * 1000, EndTimeUnixNano: uint64(span.StartTime+span.Duration) * 1000,
			}
			for _, reference := range span.References {
				if reference.RefType == "CHILD_OF" && reference.TraceID == span.TraceID {
					s.ParentSpanId = fromHex(reference.SpanID)
				}
			}
			for _, tag := range span.Tags {
				s.Attributes = append(s.Attributes, &commonpb.KeyValue{
					Key: tag.Key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: fmt.Sprint(tag.Value)}},
				})
			}
			tree[string(s.GetSpanId())] = collectedSpan{s, trace.Processes[span.ProcessID].ServiceName}
		}
	}
	return tree
}

func fromHex(text string) []byte {
	raw, _ := hex.DecodeString(text)
	return raw
}

func TestJaegerShowsAPurchase(t *testing.T) {
	j := startJaeger(t)
	p := newPlatformIn(t, tracedEnvironment(t, "http://"+j.otlp))
	p.startAll()
	found := awaitPurchaseTrace(t, p, j.traceOf)
	t.Logf("Jaeger has the trace:\n%s", found)
	if picture := os.Getenv("TRACE_PICTURE"); picture != "" {
		require.NoError(t, os.WriteFile(picture, []byte(found.drawSVG()), 0o644))
	}
}

// The picture of a trace: a row for each span, with its bar in the colour of its part.
const (
	rowHeight  = 17
	namesWidth = 470
	barsWidth  = 520
	textSize   = 11
)

var partColours = map[string]string{"api": "#4c78a8", "relay": "#f58518", "projector": "#54a24b", "saga": "#b279a2"}

// drawSVG draws the spans below each other, each one below its parent and to the right of it, and when they were.
func (t traceTree) drawSVG() string {
	var first, last uint64
	for _, span := range t {
		if first == 0 || span.GetStartTimeUnixNano() < first {
			first = span.GetStartTimeUnixNano()
		}
		last = max(last, span.GetEndTimeUnixNano())
	}
	var rows strings.Builder
	y := rowHeight
	var draw func(id string, depth int)
	draw = func(id string, depth int) {
		span := t[id]
		at := func(nanos uint64) float64 {
			return namesWidth + float64(nanos-first)/float64(max(last-first, 1))*barsWidth
		}
		from, to := at(span.GetStartTimeUnixNano()), at(span.GetEndTimeUnixNano())
		took := time.Duration(span.GetEndTimeUnixNano() - span.GetStartTimeUnixNano()) //nolint:gosec,nolintlint // a short time
		fmt.Fprintf(&rows, `<text x="%d" y="%d">%s</text><rect x="%.1f" y="%d" width="%.1f" height="11" rx="2" fill="%s"/><text x="%d" y="%d" class="t">%s</text>`+"\n",
			8+12*depth, y, html.EscapeString(span.service+": "+span.GetName()), from, y-9, max(to-from, 1.5), partColours[span.service],
			namesWidth+barsWidth+8, y, took.Round(10*time.Microsecond))
		y += rowHeight
		for _, child := range t.childrenOf(id) {
			draw(child, depth+1)
		}
	}
	for _, root := range t.childrenOf("") {
		draw(root, 0)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="%d">
<style>text{fill:#222}.t{fill:#666}</style><rect width="100%%" height="100%%" fill="#fff"/>
%s</svg>
`, namesWidth+barsWidth+80, y, textSize, rows.String())
}
