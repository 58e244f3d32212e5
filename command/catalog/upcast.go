package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"ticketing/command/event"
	"ticketing/command/payment"
)

// upcastRefundRequestedV1 adds the cause. Version 1 told causes apart only by the sentence in its reason, so the sentences are
// repeated here as they were: they may be reworded elsewhere, the log's may not.
func upcastRefundRequestedV1(data json.RawMessage) (json.RawMessage, error) {
	fields, err := readFields(data)
	if err != nil {
		return nil, err
	}
	cause := payment.CauseRequested
	switch string(fields["reason"]) {
	case `"the seats could not be given any more"`:
		cause = payment.CauseTooLate
	case `"the event was cancelled"`:
		cause = payment.CauseEventCancelled
	}
	fields["cause"] = json.RawMessage(strconv.Quote(string(cause)))
	return json.Marshal(fields)
}

// upcastTimeZone adds the time zone: events had none in version 1.
func upcastTimeZone(data json.RawMessage) (json.RawMessage, error) {
	fields, err := readFields(data)
	if err != nil {
		return nil, err
	}
	fields["timeZone"] = json.RawMessage(strconv.Quote(event.DefaultTimeZone))
	return json.Marshal(fields)
}

// readFields returns the fields of a domain event. What others write into a topic may be JSON's null.
func readFields(data json.RawMessage) (fields map[string]json.RawMessage, err error) {
	err = json.Unmarshal(data, &fields)
	if err == nil && fields == nil {
		err = errors.New("they are null")
	}
	if err != nil {
		return nil, fmt.Errorf("read the fields: %w", err)
	}
	return fields, nil
}
