package kafka_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/kafka"
)

func TestClientMessagesGoToTheLogger(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	client, err := kgo.NewClient(kafka.Options(kafka.Config{
		Brokers: []string{"127.0.0.1:1"}, ClientID: "test", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})...)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.Error(t, client.Ping(ctx))
	client.Close()
	require.Contains(t, log.String(), "kafka: ")
}
