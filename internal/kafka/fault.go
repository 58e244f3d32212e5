package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/supervise"
)

// faultHook logs when the brokers can't be reached, and when they can again. franz-go itself reconnects in silence, or with a line for
// each attempt.
type faultHook struct{ fault *supervise.Fault }

var (
	_ kgo.HookBrokerConnect = faultHook{}
	_ kgo.HookBrokerE2E     = faultHook{}
)

// OnBrokerConnect is part of kgo.HookBrokerConnect.
func (h faultHook) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		h.note(err)
	}
}

// OnBrokerE2E is part of kgo.HookBrokerE2E.
func (h faultHook) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) { h.note(e2e.Err()) }

// note leaves out what is no fault: the client is being closed, or the broker has closed an idle connection.
func (h faultHook) note(err error) {
	for _, expected := range []error{context.Canceled, net.ErrClosed, io.EOF, kgo.ErrClientClosed} {
		if errors.Is(err, expected) {
			return
		}
	}
	h.fault.Note(context.Background(), err)
}
