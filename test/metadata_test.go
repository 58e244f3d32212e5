package test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/internal/testenv"
)

func TestEveryDomainEventNamesItsActorAndCause(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	a := playSale(t, s)
	log := s.readLog()
	known := map[string]eventstore.Recorded{}
	touched := map[string][]string{} // streams by correlation id
	actors := map[string]int{}
	for _, r := range log {
		m, what := r.Metadata, fmt.Sprintf("%s of %s", r.Type, r.StreamID)
		require.NotEmpty(t, m.CorrelationID, what)
		actors[m.Actor]++
		if m.Actor == "system:saga" {
			cause, there := known[m.CausationID]
			require.True(t, there, "%s was caused by %s, which does not come before it", what, m.CausationID)
			require.Equal(t, cause.Metadata.CorrelationID, m.CorrelationID, "%s belongs to the request of its cause", what)
		} else {
			require.True(t, strings.HasPrefix(m.Actor, "usr_"), "%s was done by %q", what, m.Actor)
			require.Equal(t, m.CorrelationID, m.CausationID, "%s was asked for by a request", what)
		}
		known[r.ID()] = r
		if !slices.Contains(touched[m.CorrelationID], r.StreamID) {
			touched[m.CorrelationID] = append(touched[m.CorrelationID], r.StreamID)
		}
	}
	for _, actor := range []string{"system:saga", a.organizer.id, a.alice.id, a.bob.id, a.carol.id} {
		require.Positive(t, actors[actor], actor)
	}
	require.Len(t, actors, 5)
	inventory, paid, payment := "inventory-"+a.eventID, "reservation-"+a.paid, "payment-"+a.payment
	require.ElementsMatch(t, []string{inventory, paid}, touched[a.reserveRequest])
	require.ElementsMatch(t, []string{inventory, paid, payment}, touched[a.payRequest])
	require.ElementsMatch(t, []string{"event-" + a.eventID, inventory, paid, payment}, touched[a.cancelRequest], "the refund too, which the saga made")
}

func TestNoMailAddressIsInTheLogOrTheTopics(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	playSale(t, s)
	log := s.readLog()
	// The names are too long to occur in a random id.
	lookForAddresses := func(where string, texts ...string) {
		for _, text := range texts {
			for _, personal := range []string{"alice", "robert", "carol", "admin@", "example.com", "%40", "@"} {
				require.NotContains(t, strings.ToLower(text), personal, where)
			}
		}
	}
	for _, r := range log {
		metadata, err := json.Marshal(r.Metadata)
		require.NoError(t, err)
		lookForAddresses(fmt.Sprintf("position %d", r.Position), r.StreamID, r.Type, string(r.Data), string(metadata))
	}
	records := s.readRecords(len(log))
	for _, r := range records {
		texts := []string{string(r.Key), string(r.Value)}
		for _, h := range r.Headers {
			texts = append(texts, h.Key, string(h.Value))
		}
		lookForAddresses(fmt.Sprintf("%s %d/%d", r.Topic, r.Partition, r.Offset), texts...)
	}
}

// readRecords reads the records of all topics, which must be n.
func (s *system) readRecords(n int) []*kgo.Record {
	s.t.Helper()
	var names []string
	for _, topic := range topicsOf(s.cfg) {
		names = append(names, topic)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.cfg.Brokers...), kgo.ConsumeTopics(names...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(s.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), testenv.Patience)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		require.NoError(s.t, fetches.Err(), "after %d of %d records", len(records), n)
		records = append(records, fetches.Records()...)
	}
	require.Len(s.t, records, n)
	return records
}
