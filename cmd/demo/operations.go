package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The parts of the API's objects that the demo asks for.
type (
	// Money is an exact decimal of a currency. It is never a float: see sums.go for how to add it up.
	Money struct {
		Amount       string `json:"amount"`
		CurrencyCode string `json:"currencyCode"`
	}
	// Event is what tickets are sold for.
	Event struct {
		ID               string    `json:"id"`
		InventoryVersion int       `json:"inventoryVersion"`
		Status           string    `json:"status"`
		Sections         []Section `json:"sections"`
	}
	// Section is a part of an event's tickets, with how many of them are where.
	Section struct {
		Name      string   `json:"name"`
		Capacity  int      `json:"capacity"`
		Available int      `json:"available"`
		Reserved  int      `json:"reserved"`
		Sold      int      `json:"sold"`
		Seats     SeatPage `json:"seats"`
	}
	// SeatPage is a page of numbered seats.
	SeatPage struct {
		Nodes    []Seat `json:"nodes"`
		PageInfo struct {
			HasNextPage bool   `json:"hasNextPage"`
			EndCursor   string `json:"endCursor"`
		} `json:"pageInfo"`
	}
	// Seat is a numbered seat.
	Seat struct {
		Label  string `json:"label"`
		Status string `json:"status"`
	}
	// Reservation is one customer's hold on tickets.
	Reservation struct {
		ID        string         `json:"id"`
		Version   int            `json:"version"`
		Status    string         `json:"status"`
		Seats     []ReservedSeat `json:"seats"`
		Total     Money          `json:"total"`
		ExpiresAt time.Time      `json:"expiresAt"`
		Payments  []Payment      `json:"payments"`
	}
	// ReservedSeat is one ticket; Label is "" for general admission.
	ReservedSeat struct {
		Section string `json:"section"`
		Label   string `json:"label"`
		Price   Money  `json:"price"`
	}
	// Payment is one payment at a gateway.
	Payment struct {
		ID         string `json:"id"`
		Status     string `json:"status"`
		Amount     Money  `json:"amount"`
		NextAction *struct {
			ClientSecret string `json:"clientSecret"`
			RedirectURL  string `json:"redirectUrl"`
		} `json:"nextAction"`
	}
	// Item is a wish for tickets of a section: so many of the best, or these seats.
	Item struct {
		Section  string   `json:"section"`
		Quantity int      `json:"quantity,omitempty"`
		Seats    []string `json:"seats,omitempty"`
	}
	// Row is a row of numbered seats.
	Row struct {
		Row   string `json:"row"`
		Seats int    `json:"seats"`
	}
)

// UserError is a rejection that whoever asked can act on.
type UserError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (e *UserError) Error() string { return e.Code + ": " + e.Message }

// rejectedAs answers the code of a rejection, "" when err is none.
func rejectedAs(err error) string {
	if rejection, ok := errors.AsType[*UserError](err); ok {
		return rejection.Code
	}
	return ""
}

// payload has every field of every mutation's payload: each is called the same wherever it occurs.
type payload struct {
	Token        string `json:"token"`
	SessionToken string `json:"sessionToken"`
	User         *struct {
		Roles []string `json:"roles"`
	} `json:"user"`
	Event       *Event       `json:"event"`
	Reservation *Reservation `json:"reservation"`
	Payment     *Payment     `json:"payment"`
	UserErrors  []UserError  `json:"userErrors"`
}

// mutate runs a mutation of the usual shape. A rejection is answered as a *UserError, beside what the payload says nevertheless.
func (c *Client) mutate(ctx context.Context, field, inputType, selection string, input map[string]any) (payload, error) {
	// The operation's name is what the server's logs and traces call it by.
	name := strings.ToUpper(field[:1]) + field[1:]
	op := Operation{
		Field: field, Variables: map[string]any{"input": input},
		Document: fmt.Sprintf("mutation %s($input: %s!) { %s(input: $input) { %s userErrors { code message } } }",
			name, inputType, field, selection),
	}
	for attempt := 1; ; attempt++ {
		var answer payload
		if err := c.Do(ctx, op, &answer); err != nil {
			return payload{}, err
		}
		if len(answer.UserErrors) == 0 {
			return answer, nil
		}
		rejection := &answer.UserErrors[0]
		// "Certainly not charged: try again" is the one rejection that passes by itself, and with the same key.
		if rejection.Code != "GATEWAY_UNAVAILABLE" || attempt == 5 || sleep(ctx, time.Second) != nil {
			return answer, rejection
		}
	}
}

// newKey answers an idempotency key: one for each intention, the same for each try of it.
func newKey() string { return rand.Text() }

const (
	sectionFields     = `sections { name capacity available reserved sold }`
	eventFields       = `event { id inventoryVersion status ` + sectionFields + ` }`
	reservationFields = `reservation { id version status seats { section label price { amount currencyCode } } ` +
		`total { amount currencyCode } expiresAt }`
	paymentFields = `payment { id status nextAction { clientSecret redirectUrl } } ` + reservationFields
)

// RequestMagicLink has a sign-in link mailed. Only a server that exposes them for testing answers its token.
func (c *Client) RequestMagicLink(ctx context.Context, email string) (string, error) {
	answer, err := c.mutate(ctx, "requestMagicLink", "RequestMagicLinkInput", "token", map[string]any{"email": email})
	return answer.Token, err
}

// VerifyMagicLink turns a link's token into a session, and answers a client that uses it.
func (c *Client) VerifyMagicLink(ctx context.Context, token string) (*Client, []string, error) {
	answer, err := c.mutate(ctx, "verifyMagicLink", "VerifyMagicLinkInput", "sessionToken user { roles }",
		map[string]any{"token": token})
	if err != nil {
		return nil, nil, err
	}
	if answer.SessionToken == "" || answer.User == nil {
		return nil, nil, errors.New("verifyMagicLink answered no session")
	}
	return c.As(answer.SessionToken), answer.User.Roles, nil
}

// SignOut ends the session.
func (c *Client) SignOut(ctx context.Context) error {
	return c.Do(ctx, Operation{Field: "signOut", Document: "mutation SignOut { signOut { userErrors { code } } }"}, &payload{})
}

// CreateEvent creates a draft.
func (c *Client) CreateEvent(ctx context.Context, input map[string]any) (*Event, error) {
	return eventOf(c.mutate(ctx, "createEvent", "CreateEventInput", eventFields, input))
}

// AddInventory adds a section to an event.
func (c *Client) AddInventory(ctx context.Context, input map[string]any) (*Event, error) {
	return eventOf(c.mutate(ctx, "addInventory", "AddInventoryInput", eventFields, input))
}

// PublishEvent shows an event to everybody.
func (c *Client) PublishEvent(ctx context.Context, eventID string) (*Event, error) {
	return eventOf(c.mutate(ctx, "publishEvent", "EventIDInput", eventFields, map[string]any{"eventId": eventID}))
}

// OpenSales starts the sale.
func (c *Client) OpenSales(ctx context.Context, eventID string) (*Event, error) {
	return eventOf(c.mutate(ctx, "openSales", "EventIDInput", eventFields, map[string]any{"eventId": eventID}))
}

func eventOf(answer payload, err error) (*Event, error) {
	if err == nil && answer.Event == nil {
		err = errors.New("the payload has neither event nor userErrors")
	}
	return answer.Event, err
}

// ReserveSeats holds tickets until they are paid or the hold expires.
func (c *Client) ReserveSeats(ctx context.Context, eventID string, items []Item) (*Reservation, error) {
	return reservationOf(c.mutate(ctx, "reserveSeats", "ReserveSeatsInput", reservationFields,
		map[string]any{"eventId": eventID, "items": items, "idempotencyKey": newKey()}))
}

// CancelReservation gives tickets back.
func (c *Client) CancelReservation(ctx context.Context, id, reason string) (*Reservation, error) {
	return reservationOf(c.mutate(ctx, "cancelReservation", "CancelReservationInput", reservationFields,
		map[string]any{"reservationId": id, "reason": reason, "idempotencyKey": newKey()}))
}

func reservationOf(answer payload, err error) (*Reservation, error) {
	if err == nil && answer.Reservation == nil {
		err = errors.New("the payload has neither reservation nor userErrors")
	}
	return answer.Reservation, err
}

// Purchase is a payment and its reservation, as they are after a mutation.
type Purchase struct {
	Payment     Payment
	Reservation Reservation
}

// ProcessPayment pays a reservation with a card's token: card numbers never go to this API.
func (c *Client) ProcessPayment(ctx context.Context, reservationID, cardToken string) (Purchase, error) {
	return purchaseOf(c.mutate(ctx, "processPayment", "ProcessPaymentInput", paymentFields, map[string]any{
		"reservationId": reservationID, "method": map[string]any{"card": map[string]any{"token": cardToken}},
		"idempotencyKey": newKey(),
	}))
}

// ConfirmPayment goes on with a payment after its customer did what nextAction asked.
func (c *Client) ConfirmPayment(ctx context.Context, paymentID string) (Purchase, error) {
	return purchaseOf(c.mutate(ctx, "confirmPayment", "ConfirmPaymentInput", paymentFields,
		map[string]any{"paymentId": paymentID, "idempotencyKey": newKey()}))
}

func purchaseOf(answer payload, err error) (Purchase, error) {
	switch {
	case err != nil:
		return Purchase{}, err
	case answer.Payment == nil || answer.Reservation == nil:
		return Purchase{}, errors.New("the payload has neither payment and reservation nor userErrors")
	}
	return Purchase{Payment: *answer.Payment, Reservation: *answer.Reservation}, nil
}

// ReadReservation reads a reservation with its payments, as it is at a version or later: the read side follows what mutations
// answered, and a query that names a version waits for it. 0 takes what is known now.
func (c *Client) ReadReservation(ctx context.Context, id string, minVersion int) (Reservation, error) {
	const document = `query Reservation($id: ID!, $minVersion: Int) { reservation(id: $id, minVersion: $minVersion) {
		id version status expiresAt total { amount currencyCode } seats { section label price { amount currencyCode } }
		payments { id status amount { amount currencyCode } } } }`
	var found Reservation
	variables := map[string]any{"id": id}
	if minVersion > 0 {
		variables["minVersion"] = minVersion
	}
	err := c.Do(ctx, Operation{"reservation", document, variables}, &found)
	return found, err
}

// ReadEvent reads an event with all of its seats, page by page. The pages may be of different moments.
func (c *Client) ReadEvent(ctx context.Context, id string) (Event, error) {
	const document = `query Event($id: ID!, $after: String) { event(id: $id) { id inventoryVersion status
		sections { name capacity available reserved sold
			seats(first: 100, after: $after) { nodes { label status } pageInfo { hasNextPage endCursor } } } } }`
	seats := map[string][]Seat{}
	for variables := map[string]any{"id": id}; ; {
		var page Event
		if err := c.Do(ctx, Operation{"event", document, variables}, &page); err != nil {
			return Event{}, err
		}
		next := ""
		for i := range page.Sections {
			section := &page.Sections[i]
			if section.Seats.PageInfo.HasNextPage { // only one section of the demo's event has numbered seats
				next = section.Seats.PageInfo.EndCursor
			}
			seats[section.Name] = append(seats[section.Name], section.Seats.Nodes...)
			section.Seats.Nodes = seats[section.Name]
		}
		if next == "" {
			return page, nil
		}
		variables["after"] = next
	}
}
