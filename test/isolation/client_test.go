package isolation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client uses the API from an address of its own, signed in or not.
type client struct {
	URL     string // of the api
	Address string
	Token   string
}

type vars map[string]any

var connections = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}, Timeout: 30 * time.Second}

func (c client) request(ctx context.Context, path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", c.Address)
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// do executes an operation and decodes its data. Errors of the operation, and userErrors of its payloads, are errors.
func (c client) do(ctx context.Context, query string, v vars, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		return err
	}
	r, err := c.request(ctx, "/graphql", body)
	if err != nil {
		return err
	}
	response, err := connections.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var result struct {
		Data   map[string]json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return fmt.Errorf("%s: %w", raw, err)
	}
	if len(result.Errors) > 0 {
		return fmt.Errorf("%s", result.Errors[0].Message)
	}
	for field, payload := range result.Data {
		var refused struct {
			UserErrors []struct{ Code, Message string }
		}
		if json.Unmarshal(payload, &refused) == nil && len(refused.UserErrors) > 0 {
			return fmt.Errorf("%s: %s: %s", field, refused.UserErrors[0].Code, refused.UserErrors[0].Message)
		}
	}
	if data == nil {
		return nil
	}
	whole, err := json.Marshal(result.Data)
	if err != nil {
		return err
	}
	return json.Unmarshal(whole, data)
}

// mutate executes a mutation with an input, selecting part of its payload, and decodes the payload.
func (c client) mutate(ctx context.Context, name, inputType, selection string, input vars, payload any) error {
	var data map[string]json.RawMessage
	query := fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { %s userErrors { code message } } }`, inputType, name, selection)
	if err := c.do(ctx, query, vars{"input": input}, &data); err != nil {
		return err
	}
	if payload == nil {
		return nil
	}
	return json.Unmarshal(data[name], payload)
}
