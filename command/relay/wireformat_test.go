package relay

import (
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/internal/testenv"
)

// They are read with another Kafka client and the CloudEvents project's own SDK.
func TestRecordsAreCloudEventsToOthers(t *testing.T) {
	w := newWorld(t)
	first := created("Jazz, „Größe“ & 🎷")
	w.log.Append(t, "event-evt_1", first, event.EventPublished{})
	w.log.Append(t, "payment-pay_1", payment.PaymentFailed{Code: payment.Declined, Reason: "no", FailedAt: time.Unix(1, 2).UTC()})
	w.start()
	w.requirePublished(map[string]int{"event-evt_1": 2, "payment-pay_1": 1})

	recorded, err := eventstore.ReadAll(t.Context(), w.cfg.Pool, 0, 10)
	require.NoError(t, err)
	read := w.readAsOthers(len(recorded))
	for _, r := range recorded {
		message := read[r.ID()]
		require.NotNil(t, message, r.ID())
		require.Equal(t, r.StreamID, string(message.Key))
		require.Equal(t, binding.EncodingBinary, kafka_sarama.NewMessageFromConsumerMessage(message).ReadEncoding())
		e, err := binding.ToEvent(t.Context(), kafka_sarama.NewMessageFromConsumerMessage(message))
		require.NoError(t, err)
		require.NoError(t, e.Validate())
		require.Equal(t, "1.0", e.SpecVersion())
		require.Equal(t, r.ID(), e.ID())
		require.Equal(t, r.Type, e.Type())
		require.Equal(t, "/ticketing/log/0", e.Source())
		require.Equal(t, r.StreamID, e.Subject())
		require.True(t, r.RecordedAt.Equal(e.Time()), "%s is not %s", e.Time(), r.RecordedAt)
		require.Equal(t, "application/json", e.DataContentType())
		require.JSONEq(t, string(r.Data), string(e.Data()))
		extensions := e.Extensions()
		require.EqualValues(t, "0", extensions["shard"])
		require.Equal(t, []int64{r.Position, r.Version}, []int64{number(t, extensions["position"]), number(t, extensions["streamversion"])})
		require.EqualValues(t, r.SchemaVersion, number(t, extensions["schemaversion"]))
		require.Equal(t, r.Metadata.Incarnation, extensions["incarnation"])
		require.Equal(t, "cor_1", extensions["correlationid"])
		require.Equal(t, "usr_1", extensions["actor"])
		if r.Position == 1 {
			var data event.EventCreated
			require.NoError(t, e.DataAs(&data))
			require.Equal(t, first, data)
		}
	}
}

func number(t *testing.T, extension any) int64 {
	t.Helper()
	text, ok := extension.(string)
	require.True(t, ok, "%T", extension)
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}

// readAsOthers reads count records with another Kafka client, and returns them by the id of the CloudEvent.
func (w *world) readAsOthers(count int) map[string]*sarama.ConsumerMessage {
	w.t.Helper()
	consumer, err := sarama.NewConsumer(w.brokers, sarama.NewConfig())
	require.NoError(w.t, err)
	defer consumer.Close()
	read := map[string]*sarama.ConsumerMessage{}
	messages := make(chan *sarama.ConsumerMessage)
	for _, topic := range w.cfg.Topics {
		for partition := range w.cfg.Partitions {
			one, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
			require.NoError(w.t, err)
			defer one.AsyncClose()
			go func() {
				for message := range one.Messages() {
					select {
					case messages <- message:
					case <-w.t.Context().Done():
					}
				}
			}()
		}
	}
	timeout := time.After(testenv.Patience)
	for len(read) < count {
		select {
		case message := <-messages:
			for _, h := range message.Headers {
				if string(h.Key) == "ce_id" {
					read[string(h.Value)] = message
				}
			}
		case <-timeout:
			require.Fail(w.t, "records are missing", "%d of %d", len(read), count)
		}
	}
	return read
}
