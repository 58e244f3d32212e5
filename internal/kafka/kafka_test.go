package kafka_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/kafka"
	"ticketing/internal/testenv"
)

func newClient(t *testing.T, c kafka.Config) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kafka.Options(c)...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestEnsureTopicsMakesOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	client := newClient(t, kafka.Config{Brokers: testenv.Broker(t, 2), ClientID: "test"})
	for range 2 {
		require.NoError(t, kafka.EnsureTopics(ctx, client, 5, "ticketing-events", "new"))
	}
	details, err := kadm.NewClient(client).ListTopics(ctx, "ticketing-events", "new")
	require.NoError(t, err)
	require.Len(t, details["ticketing-events"].Partitions, 2, "what exists stays as it is")
	require.Len(t, details["new"].Partitions, 5)
	require.NoError(t, client.ProduceSync(ctx, &kgo.Record{Topic: "new", Value: []byte("v")}).FirstErr())
}

func TestEnsureTopicsAnswersARefusalAtOnce(t *testing.T) {
	t.Parallel()
	client := newClient(t, kafka.Config{Brokers: testenv.Broker(t, 1), ClientID: "test"})
	require.ErrorContains(t, kafka.EnsureTopics(t.Context(), client, 0, "without-partitions"), "without-partitions")
}

func TestEnsureTopicsWaitsForTheBroker(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	server := testenv.BrokerServer(t, 1)
	client := newClient(t, kafka.Config{Brokers: server.Addrs(), ClientID: "test"})
	server.Kill()
	done := make(chan error, 1)
	go func() { done <- kafka.EnsureTopics(ctx, client, 1, "late") }()
	server.Start()
	require.NoError(t, <-done)
}

func TestTopicsDoNotMakeThemselves(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	client := newClient(t, kafka.Config{Brokers: testenv.Broker(t, 1), ClientID: "test"})
	require.Error(t, client.ProduceSync(ctx, &kgo.Record{Topic: "mistyped", Value: []byte("v")}).FirstErr())
}

func TestEnsureTopicsGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	client := newClient(t, kafka.Config{
		Brokers: []string{"127.0.0.1:1"}, ClientID: "test", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, kafka.EnsureTopics(ctx, client, 1, "t"), context.DeadlineExceeded)
	client.Close()
	require.Contains(t, log.String(), "kafka: ", "what the client has to say is in the log")
}
