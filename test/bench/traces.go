package main

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// traceSink receives spans by OTLP, and counts them.
type traceSink struct {
	collectorpb.UnimplementedTraceServiceServer

	url    string
	spans  atomic.Int64
	server *grpc.Server
}

func startTraceSink(ctx context.Context) (*traceSink, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receive traces: %w", err)
	}
	s := &traceSink{url: "http://" + listener.Addr().String(), server: grpc.NewServer()}
	collectorpb.RegisterTraceServiceServer(s.server, s)
	go func() { _ = s.server.Serve(listener) }() // ends with stop
	return s, nil
}

func (s *traceSink) stop() { s.server.Stop() }

// Export implements collectorpb.TraceServiceServer.
func (s *traceSink) Export(_ context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.spans.Add(int64(len(scope.GetSpans())))
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}
