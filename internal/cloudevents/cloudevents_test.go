package cloudevents_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"
)

func example() cloudevents.Event {
	return cloudevents.Event{
		ID: "b2c7-0-12", Type: "SeatsReserved", Source: "/ticketing/log/0", Subject: "inventory-evt_1",
		Time: time.Date(2026, 11, 23, 13, 0, 0, 123456000, time.UTC), Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Position: 12, StreamVersion: 3, SchemaVersion: 1, Incarnation: "b2c7", CorrelationID: "c", CausationID: "d", Actor: "usr_1",
		Data: json.RawMessage(`{"a":1}`),
	}
}

func TestParseReadsWhatRecordWrites(t *testing.T) {
	e := example()
	record := e.Record("topic")
	require.Equal(t, "inventory-evt_1", string(record.Key))

	read, err := cloudevents.Parse(record)
	require.NoError(t, err)
	require.Equal(t, e, read)
}

func TestHeadersAreThoseOfTheSpecification(t *testing.T) {
	e := example()
	headers := map[string]string{}
	for _, h := range e.Record("topic").Headers {
		headers[h.Key] = string(h.Value)
	}
	require.Equal(t, map[string]string{
		"ce_specversion": "1.0", "ce_id": "b2c7-0-12", "ce_type": "SeatsReserved", "ce_source": "/ticketing/log/0",
		"ce_subject": "inventory-evt_1", "ce_time": "2026-11-23T13:00:00.123456Z",
		"ce_traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "content-type": "application/json",
		"ce_shard": "0", "ce_position": "12", "ce_streamversion": "3", "ce_schemaversion": "1", "ce_incarnation": "b2c7",
		"ce_correlationid": "c", "ce_causationid": "d", "ce_actor": "usr_1",
	}, headers)
}

func TestForeignRecordsAreRefused(t *testing.T) {
	_, err := cloudevents.Parse(&kgo.Record{Value: []byte("hello")})
	require.ErrorContains(t, err, "missing")

	e := example()
	record := e.Record("topic")
	for i := range record.Headers {
		if record.Headers[i].Key == "ce_position" {
			record.Headers[i].Value = []byte("twelve")
		}
	}
	_, err = cloudevents.Parse(record)
	require.ErrorContains(t, err, "ce_position")
}

func FuzzParse(f *testing.F) {
	f.Add("ce_position", "12")
	f.Add("ce_shard", "99999")
	f.Fuzz(func(_ *testing.T, key, value string) {
		e := example()
		record := e.Record("topic")
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
		_, _ = cloudevents.Parse(record) // it must not panic
	})
}
