package ticketing

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
		return fmt.Errorf("%s: %w: %.200q", name, errForeign, body)
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
	return userErrors(r.Data)
}

func userErrors(data json.RawMessage) error {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(data, &fields) // other data have no payloads
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		var payload struct{ UserErrors UserErrors }
		if json.Unmarshal(fields[field], &payload) == nil && len(payload.UserErrors) > 0 {
			return payload.UserErrors
		}
	}
	return nil
}

// withoutNulls returns variables without what is null, so that a server that does not know a new field of an input takes it as before.
func withoutNulls(variables any) (any, error) {
	encoded, err := json.Marshal(variables)
	if err != nil {
		return nil, err
	}
	var decoded any
	err = json.Unmarshal(encoded, &decoded)
	dropNulls(decoded)
	return decoded, err
}

func dropNulls(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			dropNulls(element)
		}
	case map[string]any:
		maps.DeleteFunc(value, func(_ string, field any) bool { return field == nil })
		for _, field := range value {
			dropNulls(field)
		}
	}
}
