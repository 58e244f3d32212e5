package cloudevents_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"
)

func key(id, letter string) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

func keys(t *testing.T, list ...string) cloudevents.Keys {
	t.Helper()
	k, err := cloudevents.ParseKeys(list)
	require.NoError(t, err)
	return k
}

func TestSignedRecordsAreParsed(t *testing.T) {
	t.Parallel()
	e := example()
	record := e.Record("topic")
	keys(t, key("1", "a")).Sign(record)
	for name, reader := range map[string]cloudevents.Keys{
		"the same key": keys(t, key("1", "a")), "a newer key beside it": keys(t, key("2", "b"), key("1", "a")), "no keys": keys(t),
	} {
		parsed, err := reader.ParseSigned(record)
		require.NoError(t, err, name)
		require.Equal(t, e, parsed, name)
	}
}

func TestWhatTheRelayDidNotWriteIsRefused(t *testing.T) {
	t.Parallel()
	signer := keys(t, key("1", "a"))
	for name, change := range map[string]func(r *kgo.Record){
		"no signature":   func(r *kgo.Record) { r.Headers = r.Headers[:len(r.Headers)-1] },
		"another value":  func(r *kgo.Record) { r.Value = []byte(`{"a":2}`) },
		"another key":    func(r *kgo.Record) { r.Key = []byte("reservation-rsv_1") },
		"another topic":  func(r *kgo.Record) { r.Topic = "payments" },
		"another header": func(r *kgo.Record) { r.Headers[2].Value = []byte("SeatsReleased") },
		"one header more": func(r *kgo.Record) {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "ce_actor", Value: []byte("x")})
		},
		"headers moved":        func(r *kgo.Record) { r.Headers[1], r.Headers[2] = r.Headers[2], r.Headers[1] },
		"an unknown key's":     func(r *kgo.Record) { r.Headers = r.Headers[:len(r.Headers)-1]; keys(t, key("9", "a")).Sign(r) },
		"a stranger's":         func(r *kgo.Record) { r.Headers = r.Headers[:len(r.Headers)-1]; keys(t, key("1", "b")).Sign(r) },
		"a signature of zeros": func(r *kgo.Record) { r.Headers[len(r.Headers)-1].Value = []byte("1:" + strings.Repeat("A", 43)) },
	} {
		e := example()
		record := e.Record("topic")
		signer.Sign(record)
		change(record)
		_, err := signer.ParseSigned(record)
		require.ErrorIs(t, err, cloudevents.ErrUnsigned, name)
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{{""}, {"1"}, {"1:"}, {"1:c2hvcnQ="}, {":" + key("", "a")[1:]}, {"1:not base64"}, {key("1", "a"), key("1", "b")}} {
		_, err := cloudevents.ParseKeys(list)
		require.Error(t, err, list)
	}
	require.True(t, keys(t).Off())
}
