package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	ticketing "ticketing/clients/go"
	"ticketing/command/inventory"
)

const adminEmail = "admin@example.com"

// signInMany signs users in, whose addresses begin with a prefix.
func signInMany(ctx context.Context, url, prefix string, n int) (ids, tokens []string, err error) {
	visitor := ticketing.New(ticketing.Config{URL: url + "/graphql"})
	ids, tokens = make([]string, n), make([]string, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range tokens {
		g.Go(func() error {
			client, user, err := visitor.SignIn(ctx, fmt.Sprintf("%s%d@example.com", prefix, i))
			if err == nil {
				ids[i], tokens[i] = user.Id, client.Token()
			}
			return err
		})
	}
	return ids, tokens, g.Wait()
}

// createEventThroughAPI puts an event on sale.
func createEventThroughAPI(ctx context.Context, url string) (eventID string, err error) {
	admin, _, err := ticketing.New(ticketing.Config{URL: url + "/graphql"}).SignIn(ctx, adminEmail)
	if err != nil {
		return "", err
	}
	var created struct{ Event struct{ ID string } }
	input := map[string]any{"name": "First night", "venue": "Town hall", "startsAt": "2040-01-01T20:00:00Z"}
	if err := admin.Mutate(ctx, "createEvent", "event { id }", input, &created); err != nil {
		return "", err
	}
	return created.Event.ID, admin.Execute(ctx, ticketing.Operation{Name: "OpenSales", Document: `mutation OpenSales($id: ID!, $section: String!, $capacity: Int!) {
		publishEvent(input: {eventId: $id}) { userErrors { code message } }
		openSales(input: {eventId: $id}) { userErrors { code message } }
		addInventory(input: {eventId: $id, section: $section, price: {amount: "79.00", currencyCode: "EUR"}, capacity: $capacity}) { userErrors { code message } }
	}`, Variables: map[string]any{"id": created.Event.ID, "section": sectionName, "capacity": inventory.MostCapacity}}, nil)
}
