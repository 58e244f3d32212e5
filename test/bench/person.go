package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"ticketing/command/inventory"
)

const adminEmail = "admin@example.com"

// person is somebody who talks to the API in no hurry: what has to be done before anything is measured.
type person struct{ url, token string }

type vars map[string]any

// do executes an operation that must have no errors.
func (p person) do(ctx context.Context, query string, v vars, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		return fmt.Errorf("write a request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	var answer struct {
		Data   json.RawMessage
		Errors json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if len(answer.Errors) > 0 || bytes.Contains(answer.Data, []byte(`"userErrors":[{`)) {
		return fmt.Errorf("%s: %s %s", query, answer.Errors, answer.Data)
	}
	if data == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	return nil
}

// signIn signs somebody in by magic link.
func signIn(ctx context.Context, url, email string) (person, error) {
	p := person{url: url}
	var requested struct{ RequestMagicLink struct{ Token string } }
	err := p.do(ctx, `mutation($e: String!) { requestMagicLink(input: {email: $e}) { token userErrors { message } } }`, vars{"e": email}, &requested)
	if err != nil {
		return p, err
	}
	var verified struct{ VerifyMagicLink struct{ SessionToken string } }
	err = p.do(ctx, `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken userErrors { message } } }`,
		vars{"t": requested.RequestMagicLink.Token}, &verified)
	p.token = verified.VerifyMagicLink.SessionToken
	return p, err
}

// stage puts an event on sale.
func (p person) stage(ctx context.Context) (eventID string, err error) {
	var created struct {
		CreateEvent struct{ Event struct{ ID string } }
	}
	err = p.do(ctx, `mutation { createEvent(input: {name: "First night", venue: "Town hall", startsAt: "2040-01-01T20:00:00Z"})
		{ event { id } userErrors { message } } }`, nil, &created)
	if err != nil {
		return "", err
	}
	eventID = created.CreateEvent.Event.ID
	return eventID, p.do(ctx, `mutation($id: ID!, $section: String!, $capacity: Int!) {
		publishEvent(input: {eventId: $id}) { userErrors { message } }
		openSales(input: {eventId: $id}) { userErrors { message } }
		addInventory(input: {eventId: $id, section: $section, price: {amount: "79.00", currencyCode: "EUR"}, capacity: $capacity}) { userErrors { message } }
	}`, vars{"id": eventID, "section": sectionName, "capacity": inventory.MostCapacity}, nil)
}
