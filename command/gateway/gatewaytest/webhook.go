package gatewaytest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/wait"
)

// How often an event is delivered until it is accepted. Gateways pause for longer.
const (
	deliveries      = 5
	redeliveryPause = 200 * time.Millisecond
)

// Event is a webhook event.
type Event struct {
	ID, Type      string
	TransactionID string // the gateway's id of the payment that it is about
	Body          []byte
}

// SendTo delivers all events to url from now on, when they happen.
func (s *Server) SendTo(url string) {
	s.Lock()
	defer s.Unlock()
	s.hook = url
}

// Emit keeps an event, and delivers it if SendTo was called. It is called under the lock.
func (s *Server) Emit(e Event) {
	s.events = append(s.events, e)
	if url := s.hook; url != "" {
		s.deliveries.Go(func() { s.deliverEvent(s.test.Context(), url, e) })
	}
}

// deliverEvent sends an event until it is accepted or the test ends.
func (s *Server) deliverEvent(ctx context.Context, url string, e Event) {
	for range deliveries {
		if status, err := post(ctx, url, e.Body, s.config.Sign(e.Body)); err == nil && status < http.StatusMultipleChoices {
			return
		}
		if wait.For(ctx, redeliveryPause) != nil {
			return
		}
	}
}

// Events returns the events about a payment, oldest first.
func (s *Server) Events(transactionID string) []Event {
	s.Lock()
	defer s.Unlock()
	return slices.DeleteFunc(slices.Clone(s.events), func(e Event) bool { return e.TransactionID != transactionID })
}

// Last returns the newest event of a type about a payment.
func (s *Server) Last(t testing.TB, transactionID, kind string) Event {
	t.Helper()
	for _, e := range slices.Backward(s.Events(transactionID)) {
		if e.Type == kind {
			return e
		}
	}
	require.FailNow(t, "there is no such event", "%s of %s", kind, transactionID)
	return Event{}
}

// Send sends an event as the gateway does, and returns the status of the answer.
func (s *Server) Send(t testing.TB, url string, e Event) int {
	t.Helper()
	return SendSigned(t, url, e.Body, s.config.Sign(e.Body))
}

// SendSigned sends a webhook with any headers, and returns the status of the answer.
func SendSigned(t testing.TB, url string, body []byte, header http.Header) int {
	t.Helper()
	status, err := post(t.Context(), url, body, header)
	require.NoError(t, err)
	return status
}

func post(ctx context.Context, url string, body []byte, header http.Header) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = header.Clone()
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
