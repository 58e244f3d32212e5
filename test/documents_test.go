package test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
	"ticketing/graph/documents"
)

// Where only registered documents are executed, the client in Go, whose documents were registered, and the shop sell as ever.
func TestSellingWhereDocumentsAreRequired(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	env["TRUSTED_DOCUMENTS"] = filepath.Join(t.TempDir(), "documents.json")
	env["TRUSTED_DOCUMENTS_ANONYMOUS"], env["TRUSTED_DOCUMENTS_SIGNED_IN"] = "require", "require"
	texts, err := documents.Read("../clients/go/api/operations.json")
	require.NoError(t, err)
	_, _, err = documents.Register(env["TRUSTED_DOCUMENTS"], texts...)
	require.NoError(t, err)
	s := startSystemIn(t, env)
	url, ctx := s.url+"/graphql", t.Context()
	event := startSale(t, url)

	visitor := ticketing.New(ticketing.Config{URL: url})
	guest, _, err := visitor.StartGuest(ctx)
	require.NoError(t, err)
	for _, client := range []*ticketing.Client{visitor, guest} {
		err = client.Execute(ctx, ticketing.Operation{Name: "own", Document: `{ events { nodes { id } } }`}, nil)
		require.Equal(t, "DOCUMENT_REQUIRED", ticketing.CodeOf(err))
	}
	_, err = api.SetContact(ctx, guest, api.SetContactInput{Name: "Ann", Email: "ann@example.com"})
	require.NoError(t, err)
	reserved, err := api.ReserveSeats(ctx, guest, api.ReserveSeatsInput{EventId: event.Id, Items: []api.ReserveItemInput{{Section: "Stalls", Quantity: new(2)}}})
	require.NoError(t, err)
	id := reserved.ReserveSeats.Reservation.Id
	paid, err := api.ProcessPayment(ctx, guest, api.ProcessPaymentInput{
		ReservationId: id, Method: &api.PaymentMethodInput{Card: &api.CardInput{Token: "pm_card_visa"}},
	})
	require.NoError(t, err)
	require.Equal(t, api.PaymentStatusCompleted, paid.ProcessPayment.Payment.Status)
	require.ErrorIs(t, guest.WatchReservation(ctx, id, func(r api.Reservation) error {
		if r.Status == api.ReservationStatusCompleted {
			return errSeen
		}
		return nil
	}), errSeen)

	b := newShopper(t, s)
	b.waitsFor("/", "First night")
	b.waitsFor("/events/"+event.Id, `name="quantity.0"`)
	b.submit("/reserve", "quantity.0", "1")
	b.sees("Your seats are reserved", "Pay €79.50")
	b.submit("/pay", "name", "Ben", "email", "ben@example.com")
	b.sees("Here are your tickets", "ben@example.com")
	b.open("/sign-in")
	b.submit("/sign-in", "email", "ben@example.com")
	b.submit("/sign-in/link")
	b.sees("You are signed in as ben@example.com", "First night")
}

var errSeen = errors.New("seen")
