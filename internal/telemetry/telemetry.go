package telemetry

import (
	"context"
	"errors"
	"fmt"
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

// Config says who this process is and where its traces go.
type Config struct {
	ServiceName  string // OTEL_SERVICE_NAME wins over it
	Version      string
	OTLPEndpoint string // http://host:4317 or https://…; "": traces are made, so that ids are in logs, but not exported
}

// Telemetry is what Setup set up.
type Telemetry struct {
	Registry *prometheus.Registry // where metrics register; it has the process's and the Go runtime's already

	provider *sdktrace.TracerProvider
}

// Setup makes the tracer provider and the W3C propagator that the whole process uses, and a registry for metrics. A collector that
// is away delays nothing: spans are dropped then.
func Setup(ctx context.Context, c Config) (*Telemetry, error) {
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", c.ServiceName), attribute.String("service.version", c.Version)),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
	)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)} // the sampler comes from OTEL_TRACES_SAMPLER
	if c.OTLPEndpoint != "" {
		exporter, err := newExporter(ctx, c.OTLPEndpoint)
		if err != nil {
			return nil, err
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	t := &Telemetry{Registry: prometheus.NewRegistry(), provider: sdktrace.NewTracerProvider(options...)}
	t.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	otel.SetTracerProvider(t.provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	return t, nil
}

func newExporter(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error) {
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(endpoint)}
	if strings.HasPrefix(endpoint, "http://") {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, options...) // connects in the background
	if err != nil {
		return nil, fmt.Errorf("telemetry: OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	return exporter, nil
}

// Shutdown exports the spans that wait, until ctx ends.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}
