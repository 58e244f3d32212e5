package telemetry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Config describes a process and where its traces go.
type Config struct {
	ServiceName  string // OTEL_SERVICE_NAME overrides it. Required.
	Version      string // Of the binary. Default: none.
	OTLPEndpoint string // http://host:4317 or https://…. Default: none; nothing is sampled, though requests have ids for the log.

	OTLPHeaders map[string]string // Of each export. Default: those of the environment.
}

// Telemetry is the telemetry of a process.
type Telemetry struct {
	Registry *prometheus.Registry // for metrics; it has those of the process and the Go runtime

	provider *sdktrace.TracerProvider
}

// Setup sets the tracer provider and the W3C propagator of the whole process, and makes a registry for metrics. A collector that is away
// delays nothing: spans are dropped.
func Setup(ctx context.Context, c Config) (*Telemetry, error) {
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", c.ServiceName), attribute.String("service.version", c.Version)),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
	)
	if err != nil {
		return nil, fmt.Errorf("describe the process to traces: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)} // the sampler comes from OTEL_TRACES_SAMPLER
	if c.OTLPEndpoint == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		exporter, err := newExporter(ctx, c)
		if err != nil {
			return nil, err
		}
		options = append(options, sdktrace.WithSpanProcessor(identifier{}), sdktrace.WithBatcher(cleanExporter{exporter}))
	}
	t := &Telemetry{Registry: prometheus.NewRegistry(), provider: sdktrace.NewTracerProvider(options...)}
	t.Registry.MustRegister(collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(liveHeap)), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	otel.SetTracerProvider(t.provider)
	own := t.provider.Tracer("ticketing")
	tracer.Store(&own)
	exporting.Store(c.OTLPEndpoint != "")
	otel.SetTextMapPropagator(propagation.TraceContext{}) // no baggage: it would carry whatever clients send into records and calls
	return t, nil
}

// liveHeap is what a program has in use, without its garbage: unlike the memory of the process, it rises only with a leak. The metric is
// go_gc_heap_live_bytes.
var liveHeap = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}

func newExporter(ctx context.Context, c Config) (sdktrace.SpanExporter, error) {
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(c.OTLPEndpoint)}
	if strings.HasPrefix(c.OTLPEndpoint, "http://") {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	if len(c.OTLPHeaders) > 0 {
		options = append(options, otlptracegrpc.WithHeaders(c.OTLPHeaders))
	}
	exporter, err := otlptracegrpc.New(ctx, options...) // connects in the background
	if err != nil {
		return nil, fmt.Errorf("use OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	return exporter, nil
}

// Shutdown exports the remaining spans until ctx ends.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("export the last spans: %w", err)
	}
	return nil
}
