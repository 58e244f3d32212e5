package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// client uses the API over HTTP as one user.
type client struct {
	t     testing.TB
	url   string // of the api, without a path
	token string // of the session; empty: signed out
	id    string // of the user

	requestID    string // sent as X-Request-ID, unless empty
	forwardedFor string // sent as X-Forwarded-For, unless empty
}

// graphQLError is a top-level error of a response.
type graphQLError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

func (e graphQLError) code() string { return fmt.Sprint(e.Extensions["code"]) }

// vars are the variables of an operation.
type vars map[string]any

// execute executes an operation, decodes its data and returns its errors.
func (c *client) execute(query string, v vars, data any) []graphQLError {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	require.NoError(c.t, err)
	answer, err := c.postOperation(body)
	require.NoError(c.t, err)
	var result struct {
		Data   json.RawMessage
		Errors []graphQLError
	}
	require.NoError(c.t, json.Unmarshal(answer, &result), "%s", answer)
	if data != nil && len(result.Data) > 0 {
		require.NoError(c.t, json.Unmarshal(result.Data, data), "%s", answer)
	}
	return result.Errors
}

func (c *client) postOperation(body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.requestID != "" {
		request.Header.Set("X-Request-ID", c.requestID)
	}
	if c.forwardedFor != "" {
		request.Header.Set("X-Forwarded-For", c.forwardedFor)
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

var httpClient = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 256},
}

// mustExecute executes an operation that must have no top-level errors.
func (c *client) mustExecute(query string, v vars, data any) {
	c.t.Helper()
	errs := c.execute(query, v, data)
	require.Empty(c.t, errs)
}

// executeWhenRead executes a query of an object that was just made or with a minVersion, and again while the read side is behind: READ_BEHIND asks
// for a retry.
func (c *client) executeWhenRead(query string, v vars, data any) {
	c.t.Helper()
	c.retryWhile("READ_BEHIND", query, v, data)
}

// retryWhile executes an operation that must have no other error than one of this code, until it has none.
func (c *client) retryWhile(code, query string, v vars, data any) {
	c.t.Helper()
	testenv.Eventually(c.t, testenv.Patience, func() (bool, string) {
		errs := c.execute(query, v, data)
		if len(errs) == 1 && errs[0].code() == code {
			return false, errs[0].Message
		}
		require.Empty(c.t, errs)
		return true, ""
	})
}

// requireError executes an operation that must fail with a top-level error, and returns its code.
func (c *client) requireError(query string, v vars) string {
	c.t.Helper()
	errs := c.execute(query, v, nil)
	require.NotEmpty(c.t, errs, "%s must be refused", query)
	return errs[0].code()
}

// newKey returns a new idempotency key.
func newKey() string { return uuid.NewString() }

// The parts of responses that the tests use.
type (
	moneyValue struct {
		Amount       string
		CurrencyCode string
	}
	userError struct {
		Code    string
		Message string
		Field   []string
	}
	section struct {
		Name                                string
		Capacity, Available, Reserved, Sold int
		Seats                               struct {
			Nodes []struct{ Label, Status string }
		}
	}
	eventValue struct {
		ID               string
		Version          int
		InventoryVersion int
		Name, Status     string
		Sections         []section
	}
	seat struct {
		Section string
		Label   *string
		Price   moneyValue
	}
	reservationValue struct {
		ID        string
		Version   int
		Status    string
		Seats     []seat
		Total     moneyValue
		ExpiresAt time.Time
		Event     *struct{ ID, Name string }
		Payments  []paymentValue
	}
	paymentValue struct {
		ID            string
		Version       int
		Status        string
		Amount        moneyValue
		Refunded      moneyValue
		Gateway       string
		TransactionID *string
		FailureReason *string
		NextAction    *struct{ ClientSecret, RedirectURL *string }
		Refunds       []refundValue
	}
	refundValue struct {
		ID, Status string
		Amount     moneyValue
		Reason     *string
	}
	payload struct {
		Event       *eventValue
		Reservation *reservationValue
		Payment     *paymentValue
		Refund      *refundValue
		UserErrors  []userError
	}
)

const (
	eventFields   = `id version inventoryVersion name status sections { name capacity available reserved sold seats(first: 100) { nodes { label status } } }`
	paymentFields = `id version status amount { amount currencyCode } refunded { amount } gateway transactionId failureReason nextAction { clientSecret redirectUrl }
		refunds { ` + refundFields + ` }`
	refundFields      = `id status amount { amount currencyCode } reason`
	reservationFields = `id version status expiresAt seats { section label price { amount currencyCode } } total { amount currencyCode }
		event { id name } payments { ` + paymentFields + ` }`
	errorFields = `userErrors { code message field }`
)

// executeMutation executes a mutation with an input and returns its payload.
func (c *client) executeMutation(name, inputType, selection string, input vars) payload {
	c.t.Helper()
	var data map[string]payload
	c.mustExecute(fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { %s %s } }`, inputType, name, selection, errorFields), vars{"input": input}, &data)
	return data[name]
}

func (c *client) createEvent(more vars) payload {
	c.t.Helper()
	input := vars{"name": "First night", "venue": "Town hall", "startsAt": "2040-01-01T20:00:00Z"}
	for k, v := range more {
		input[k] = v
	}
	return c.executeMutation("createEvent", "CreateEventInput", "event { "+eventFields+" }", input)
}

func (c *client) addInventory(eventID, section, price string, what vars) payload {
	c.t.Helper()
	input := vars{"eventId": eventID, "section": section, "price": vars{"amount": price, "currencyCode": "EUR"}}
	for k, v := range what {
		input[k] = v
	}
	return c.executeMutation("addInventory", "AddInventoryInput", "event { "+eventFields+" }", input)
}

func (c *client) eventAction(name, eventID string) payload {
	c.t.Helper()
	return c.executeMutation(name, "EventIDInput", "event { "+eventFields+" }", vars{"eventId": eventID})
}

func (c *client) reserveSeats(eventID string, items ...vars) payload {
	c.t.Helper()
	return c.reserveSeatsWithKey(newKey(), eventID, items...)
}

func (c *client) reserveSeatsWithKey(idempotencyKey, eventID string, items ...vars) payload {
	c.t.Helper()
	return c.executeMutation("reserveSeats", "ReserveSeatsInput", "reservation { "+reservationFields+" }",
		vars{"eventId": eventID, "items": append([]vars{}, items...), "idempotencyKey": idempotencyKey})
}

func (c *client) cancelReservation(reservationID string) payload {
	c.t.Helper()
	return c.executeMutation("cancelReservation", "CancelReservationInput", "reservation { "+reservationFields+" }",
		vars{"reservationId": reservationID, "idempotencyKey": newKey()})
}

func (c *client) payByCard(reservationID, token string) payload {
	c.t.Helper()
	return c.payByCardWithKey(newKey(), reservationID, token)
}

func (c *client) payByCardWithKey(idempotencyKey, reservationID, token string) payload {
	c.t.Helper()
	return c.executeMutation("processPayment", "ProcessPaymentInput", "payment { "+paymentFields+" } reservation { "+reservationFields+" }",
		vars{"reservationId": reservationID, "method": vars{"card": vars{"token": token}}, "idempotencyKey": idempotencyKey})
}

func (c *client) payWithPayPal(idempotencyKey, reservationID string) payload {
	c.t.Helper()
	return c.executeMutation("processPayment", "ProcessPaymentInput", "payment { "+paymentFields+" } reservation { "+reservationFields+" }", vars{
		"reservationId": reservationID, "idempotencyKey": idempotencyKey,
		"method": vars{"paypal": vars{"returnUrl": "http://localhost/paid", "cancelUrl": "http://localhost/cart"}},
	})
}

func (c *client) confirmPayment(paymentID string) payload {
	c.t.Helper()
	return c.executeMutation("confirmPayment", "ConfirmPaymentInput", "payment { "+paymentFields+" } reservation { "+reservationFields+" }",
		vars{"paymentId": paymentID, "idempotencyKey": newKey()})
}

// refundPayment refunds an amount; without one, everything that is left.
func (c *client) refundPayment(paymentID, amount string) payload {
	c.t.Helper()
	return c.refundPaymentWithKey(newKey(), paymentID, amount)
}

func (c *client) refundPaymentWithKey(idempotencyKey, paymentID, amount string) payload {
	c.t.Helper()
	input := vars{"paymentId": paymentID, "idempotencyKey": idempotencyKey, "reason": "rain"}
	if amount != "" {
		input["amount"] = vars{"amount": amount, "currencyCode": "EUR"}
	}
	return c.executeMutation("refundPayment", "RefundPaymentInput", "refund { "+refundFields+" } payment { "+paymentFields+" }", input)
}

// readEvent reads an event from the read tables; nil if it is not visible.
func (c *client) readEvent(id string) *eventValue {
	c.t.Helper()
	var data struct{ Event *eventValue }
	c.executeWhenRead(`query($id: ID!) { event(id: $id) { `+eventFields+` } }`, vars{"id": id}, &data)
	return data.Event
}

// readReservation reads a reservation from the read tables, at minVersion or later.
func (c *client) readReservation(id string, minVersion int) *reservationValue {
	c.t.Helper()
	var data struct{ Reservation *reservationValue }
	c.executeWhenRead(`query($id: ID!, $v: Int) { reservation(id: $id, minVersion: $v) { `+reservationFields+` } }`, vars{"id": id, "v": minVersion}, &data)
	return data.Reservation
}

func (c *client) readPayment(id string, minVersion int) *paymentValue {
	c.t.Helper()
	var data struct{ Payment *paymentValue }
	c.executeWhenRead(`query($id: ID!, $v: Int) { payment(id: $id, minVersion: $v) { `+paymentFields+` } }`, vars{"id": id, "v": minVersion}, &data)
	return data.Payment
}

// signIn signs a user in with a magic link, also when a busy machine has no response of a database in time.
func signIn(t testing.TB, url, email string) *client {
	t.Helper()
	c := &client{t: t, url: url}
	var requested struct {
		RequestMagicLink struct{ Token string }
	}
	c.retryWhile("UNAVAILABLE", `mutation($e: String!) { requestMagicLink(input: {email: $e}) { token `+errorFields+` } }`, vars{"e": email}, &requested)
	require.NotEmpty(t, requested.RequestMagicLink.Token)
	c.useLink(requested.RequestMagicLink.Token)
	return c
}

// useLink signs in with a magic link's token.
func (c *client) useLink(token string) {
	c.t.Helper()
	var verified struct {
		VerifyMagicLink struct {
			SessionToken string
			User         struct{ ID string }
			UserErrors   []userError
		}
	}
	c.retryWhile("UNAVAILABLE", `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken user { id } `+errorFields+` } }`,
		vars{"t": token}, &verified)
	require.Empty(c.t, verified.VerifyMagicLink.UserErrors)
	c.token, c.id = verified.VerifyMagicLink.SessionToken, verified.VerifyMagicLink.User.ID
}

// startGuest starts a guest's session.
func startGuest(t testing.TB, url string) *client {
	t.Helper()
	c := &client{t: t, url: url}
	var data struct {
		StartGuestSession struct {
			SessionToken string
			User         struct{ ID string }
		}
	}
	c.mustExecute(`mutation { startGuestSession { sessionToken user { id } } }`, nil, &data)
	c.token, c.id = data.StartGuestSession.SessionToken, data.StartGuestSession.User.ID
	return c
}

// bestSeats is an item for the best available tickets, namedSeats one for seats by their labels.
func bestSeats(section string, quantity int) vars {
	return vars{"section": section, "quantity": quantity}
}

func namedSeats(section string, labels ...string) vars {
	return vars{"section": section, "seats": labels}
}

func requireAccepted(t testing.TB, p payload) payload {
	t.Helper()
	require.Empty(t, p.UserErrors)
	return p
}

func requireRejected(t testing.TB, p payload, code string, field ...string) {
	t.Helper()
	require.Len(t, p.UserErrors, 1)
	require.Equal(t, code, p.UserErrors[0].Code, "%s", p.UserErrors[0].Message)
	require.NotEmpty(t, p.UserErrors[0].Message)
	if len(field) > 0 {
		require.Equal(t, field, p.UserErrors[0].Field)
	}
}
