// Package cloudevents writes and reads Kafka records as CloudEvents 1.0 in binary mode: attributes and extensions are headers, the value is
// the data, which it does not interpret.
package cloudevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	specVersion = "1.0"
	contentType = "application/json"
)

// Event is a domain event as the broker carries it.
type Event struct {
	ID          string
	Type        string
	Source      string
	Subject     string // id of the stream, and the record's key
	Time        time.Time
	Traceparent string // W3C Trace Context, "" for none

	// Extensions: the domain event's place in the log, and its cause.
	Shard         int16
	Position      int64
	StreamVersion int64
	SchemaVersion int
	Incarnation   string // of the log when it was published; the domain event may be from an earlier one
	CorrelationID string
	CausationID   string
	Actor         string

	Data json.RawMessage
}

// Record returns the Kafka record for a topic.
func (e *Event) Record(topic string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: []byte(e.Subject), Value: e.Data, Headers: make([]kgo.RecordHeader, 0, 17)}
	add := func(key, value string) {
		if value != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
		}
	}
	add("ce_specversion", specVersion)
	add("ce_id", e.ID)
	add("ce_type", e.Type)
	add("ce_source", e.Source)
	add("ce_subject", e.Subject)
	add("ce_time", e.Time.UTC().Format(time.RFC3339Nano))
	add("ce_traceparent", e.Traceparent)
	add("ce_shard", strconv.FormatInt(int64(e.Shard), 10))
	add("ce_position", strconv.FormatInt(e.Position, 10))
	add("ce_streamversion", strconv.FormatInt(e.StreamVersion, 10))
	add("ce_schemaversion", strconv.Itoa(e.SchemaVersion))
	add("ce_incarnation", e.Incarnation)
	add("ce_correlationid", e.CorrelationID)
	add("ce_causationid", e.CausationID)
	add("ce_actor", e.Actor)
	add("content-type", contentType)
	return r
}

// Parse parses a record that Record made. A record without its place in a stream is an error.
func Parse(r *kgo.Record) (Event, error) {
	e := Event{Data: r.Value}
	var bad []error
	for _, h := range r.Headers {
		if err := e.setHeader(h.Key, string(h.Value)); err != nil {
			bad = append(bad, err)
		}
	}
	if e.Type == "" || e.Subject == "" || e.Incarnation == "" || e.Position < 1 || e.StreamVersion < 1 || e.SchemaVersion < 1 {
		bad = append(bad, errors.New("type, subject, incarnation, position, streamversion or schemaversion is missing"))
	}
	if err := errors.Join(bad...); err != nil {
		return Event{}, fmt.Errorf("parse a CloudEvent of the log: %w", err)
	}
	return e, nil
}

func (e *Event) setHeader(key, value string) (err error) {
	switch key {
	case "ce_id":
		e.ID = value
	case "ce_type":
		e.Type = value
	case "ce_source":
		e.Source = value
	case "ce_subject":
		e.Subject = value
	case "ce_time":
		e.Time, err = time.Parse(time.RFC3339Nano, value)
	case "ce_traceparent":
		e.Traceparent = value
	case "ce_shard":
		var shard int64
		shard, err = strconv.ParseInt(value, 10, 16)
		e.Shard = int16(shard)
	case "ce_position":
		e.Position, err = strconv.ParseInt(value, 10, 64)
	case "ce_streamversion":
		e.StreamVersion, err = strconv.ParseInt(value, 10, 64)
	case "ce_schemaversion":
		var version int64
		version, err = strconv.ParseInt(value, 10, 16)
		e.SchemaVersion = int(version)
	case "ce_incarnation":
		e.Incarnation = value
	case "ce_correlationid":
		e.CorrelationID = value
	case "ce_causationid":
		e.CausationID = value
	case "ce_actor":
		e.Actor = value
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
