package test

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"ticketing/internal/testenv"
)

// tracedEnvironment is an environment whose parts export every trace to a collector.
func tracedEnvironment(t *testing.T, collector string) map[string]string {
	t.Helper()
	env := newEnvironment(t)
	env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["OTEL_BSP_SCHEDULE_DELAY"] = collector, "100"
	env["RECORD_KEYS"] = "1:" + base64.StdEncoding.EncodeToString(randomKey()) // what tracing adds to records is signed, too
	return env
}

// startAll starts one process of each part, and waits until the api is ready.
func (p *platform) startAll() []runningPart {
	p.t.Helper()
	return []runningPart{p.startAPI(), p.startPart("relay"), p.startPart("projector"), p.startPart("saga")}
}

// The frames of a subscription of one customer, and of one that is executed for all who ask for the same.
var (
	privateFrame = branch{"api", "frame", "announce reservation > read watched row"}
	sharedFrame  = branch{"api", "frame", "announce availability > read watched row"}
)

// purchaseTree is what the trace of processPayment has, from the request to the subscriber's frame and the mail.
var purchaseTree = []branch{
	{"api", "graphql mutation", ""},
	{"api", "resolve processPayment", "graphql mutation"},
	{"api", "redis .*", "resolve processPayment"},
	{"api", "gateway create", "resolve processPayment"},
	{"api", "gateway confirm", "resolve processPayment"},
	{"api", "command .*", "resolve processPayment"},
	{"api", "batch", "command .*"},
	{"api", "lock the log", "batch"},
	{"api", "append", "batch"},
	{"relay", "ticketing-reservation-events publish", "command .*"},
	{"projector", "ticketing-reservation-events receive", "ticketing-reservation-events publish"},
	{"projector", "project ReservationCompleted", "ticketing-reservation-events receive"},
	{"projector", "project PaymentCompleted", "ticketing-payment-events receive"},
	{"projector", "COMMIT", "project .*"},
	{"projector", "announce reservation", "project ReservationCompleted"},
	{"projector", "redis pipeline", "announce .*"},
	{"api", "read watched row", "announce reservation"},
	{"api", "ReservationsByID", "read watched row"},
	privateFrame,
	sharedFrame,
	{"saga", "saga mail", "command .*"},
	{"saga", "send mail", "saga mail"},
}

func TestATraceFollowsAPurchaseToItsSubscribersAndMails(t *testing.T) {
	t.Parallel()
	traces := startCollector(t)
	p := newPlatformIn(t, tracedEnvironment(t, traces.url))
	p.startAll()
	found := awaitPurchaseTrace(t, p, traces.traceOf)
	t.Logf("the trace:\n%s", found)
	frame, _ := found.find(privateFrame)
	require.Len(t, frame.GetLinks(), 1, "to the subscription")
	frame, _ = found.find(sharedFrame)
	require.Greater(t, len(frame.GetLinks()), 1, "to the execution, and to the subscriptions that share it")
	requireNothingPersonal(t, traces.all(), "alice", "admin@", "example.com", "pm_card_visa", "First night")
}

// awaitPurchaseTrace has a customer pay for a reservation that they watch, and waits until traceOf has all of the trace.
func awaitPurchaseTrace(t *testing.T, p *platform, traceOf func(correlationID string) traceTree) traceTree {
	t.Helper()
	alice := signIn(t, p.url, "alice@example.com")
	eventID := onSale(t, signIn(t, p.url, adminEmail), 100, nil)
	alice.subscribe(`subscription($id: ID!) { availability(eventId: $id) { id sections { available } } }`, vars{"id": eventID})
	var requests []string
	buy := func() {
		reserved := requireAccepted(t, alice.reserveSeats(eventID, bestSeats("Floor", 1))).Reservation
		states := alice.subscribe(`subscription($id: ID!) { reservationStatus(id: $id) { version status } }`, vars{"id": reserved.ID})
		awaitStateOf(t, states, "SEATS_RESERVED")
		payer := *alice
		payer.requestID = "purchase-" + reserved.ID
		requireAccepted(t, payer.payByCard(reserved.ID, "pm_card_visa"))
		awaitStateOf(t, states, "COMPLETED")
		requests = append(requests, payer.requestID)
	}
	// A row may be reread between its commit and its announcement: then the frame has no trace, and the next purchase shows it.
	const patience = 15 * time.Second
	var began time.Time
	var found traceTree
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		if time.Since(began) > patience {
			buy()
			began = time.Now()
		}
		missing := ""
		for _, request := range requests {
			found = traceOf(request)
			if missing = found.missing(purchaseTree); missing == "" {
				requireIDs(t, found, request, alice.id)
				return true, ""
			}
		}
		return false, missing
	})
	return found
}

func awaitStateOf(t *testing.T, states <-chan wsMessage, status string) {
	t.Helper()
	for {
		select {
		case m, open := <-states:
			require.True(t, open, "the subscription has ended")
			if strings.Contains(string(m.Payload), `"`+status+`"`) {
				return
			}
		case <-time.After(testenv.Patience):
			require.Fail(t, "no "+status)
		}
	}
}

// requireIDs requires that each span names the request and a user: its own, the subscriber's or a part of the system.
func requireIDs(t *testing.T, tree traceTree, correlationID, userID string) {
	t.Helper()
	for _, span := range tree {
		correlation, user := attributeOf(span.GetAttributes(), "correlation.id"), attributeOf(span.GetAttributes(), "user.id")
		if span.GetName() != "frame" {
			require.Equal(t, correlationID, correlation, span.GetName())
		}
		require.NotEmpty(t, correlation, span.GetName())
		require.True(t, user == userID || strings.HasPrefix(user, "system:"), "%s has the user %q", span.GetName(), user)
	}
}

func requireNothingPersonal(t *testing.T, spans []collectedSpan, hidden ...string) {
	t.Helper()
	for _, span := range spans {
		text := span.String()
		for _, word := range hidden {
			require.NotContains(t, text, word)
		}
	}
}

// One batch serves many requests: it is below one of them, and linked with the others both ways.
func TestABatchIsLinkedWithAllItsCommands(t *testing.T) {
	t.Parallel()
	traces := startCollector(t)
	p := newPlatformIn(t, tracedEnvironment(t, traces.url))
	p.startAPI()
	customer := signIn(t, p.url, "bob@example.com")
	eventID := onSale(t, signIn(t, p.url, adminEmail), 100_000, nil)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var buyers sync.WaitGroup
		for range 16 {
			buyers.Go(func() { customer.reserveSeats(eventID, bestSeats("Floor", 1)) })
		}
		buyers.Wait()
		return hasLinkedBatch(traces.all()), "no two commands were in one batch"
	})
}

// hasLinkedBatch reports whether a batch has a link to a command of another trace that has one to the batch.
func hasLinkedBatch(spans []collectedSpan) bool {
	byID := map[string]collectedSpan{}
	for _, span := range spans {
		byID[string(span.GetSpanId())] = span
	}
	for _, batch := range spans {
		if batch.GetName() != "batch" {
			continue
		}
		for _, link := range batch.GetLinks() {
			command, known := byID[string(link.GetSpanId())]
			if known && string(command.GetTraceId()) != string(batch.GetTraceId()) && isLinkedTo(command.Span, batch.Span) {
				return true
			}
		}
	}
	return false
}

func isLinkedTo(from, to *tracepb.Span) bool {
	for _, link := range from.GetLinks() {
		if string(link.GetSpanId()) == string(to.GetSpanId()) {
			return true
		}
	}
	return false
}
