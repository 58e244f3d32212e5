package apiclient

import (
	"encoding/json"
	"fmt"
)

type response struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions Error
	}
}

// decodeResponse decodes data into result, or returns the first error of a response. Any root field may be a payload with userErrors.
func decodeResponse(name string, body []byte, result any) error {
	var r response
	if err := json.Unmarshal(body, &r); err != nil || (r.Data == nil && r.Errors == nil) {
		return fmt.Errorf("%s: not a GraphQL response: %.200q", name, body)
	}
	if len(r.Errors) > 0 {
		first := r.Errors[0]
		first.Extensions.Message = first.Message
		return &first.Extensions
	}
	if result != nil {
		if err := json.Unmarshal(r.Data, result); err != nil {
			return fmt.Errorf("decode %s: %w", name, err)
		}
	}
	return userError(r.Data)
}

func userError(data json.RawMessage) error {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(data, &fields) // other data have no payloads
	for _, field := range fields {
		var payload struct{ UserErrors []Error }
		if json.Unmarshal(field, &payload) == nil && len(payload.UserErrors) > 0 {
			return &payload.UserErrors[0]
		}
	}
	return nil
}
