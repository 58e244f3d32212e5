package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// httpReserver is one connection that reserves. It costs as little as possible, because it runs on the server's cores: the
// request is complete except for its idempotency key, and only the proof of success is read from the response.
type httpReserver struct {
	*httpConn

	request []byte
	key     []byte // its place in the request
}

// reserveQuery selects what a storefront would.
const reserveQuery = `mutation Reserve($input: ReserveSeatsInput!) { reserveSeats(input: $input) {
	reservation { id version status expiresAt seats { section label price { amount currencyCode } } total { amount currencyCode } }
	userErrors { code message field } } }`

// emptyKey has the length of every key.
const emptyKey = "00000000-0000-0000-0000-000000000000"

func newHTTPReserver(ctx context.Context, address, token, eventID string) (*httpReserver, error) {
	request, err := postGraphQL(address, token, reserveQuery, map[string]any{"input": map[string]any{
		"eventId": eventID, "idempotencyKey": emptyKey, "items": []any{map[string]any{"section": sectionName, "quantity": perCommand}},
	}})
	if err != nil {
		return nil, err
	}
	conn, err := dialHTTP(ctx, address)
	if err != nil {
		return nil, err
	}
	at := bytes.Index(request, []byte(emptyKey))
	return &httpReserver{httpConn: conn, request: request, key: request[at : at+len(emptyKey)]}, nil
}

// refusedPause is before the next try of a client that always has another request and was refused: it would else measure refusals.
const refusedPause = 10 * time.Millisecond

// reserveTwo reserves two tickets and returns when the reservation is durable, however often it is refused because of overload.
func (r *httpReserver) reserveTwo(client, n int) error {
	for {
		if shed, err := r.tryTwo(client, n); err != nil || !shed {
			return err
		}
		time.Sleep(refusedPause)
	}
}

// tryTwo reserves two tickets. An api that has too much to do must refuse, and say when to try again.
func (r *httpReserver) tryTwo(client, n int) (shed bool, err error) {
	answer, err := r.send(client, n)
	if err != nil {
		return false, err
	}
	if bytes.Contains(answer, []byte(`"UNAVAILABLE"`)) && bytes.Contains(answer, []byte(`"retryAfterSeconds"`)) {
		return true, nil
	}
	if !bytes.Contains(answer, []byte(`"status":"SEATS_RESERVED"`)) {
		return false, fmt.Errorf("neither reserved nor refused: %s", answer)
	}
	return false, nil
}

// send sends a request with a key of its own, and returns the response.
func (r *httpReserver) send(client, n int) ([]byte, error) {
	copy(r.key, fmt.Sprintf("%08x-%04x-%04x-0000-%012x", client, n>>16, n&0xffff, time.Now().UnixNano()&(1<<48-1))) // a UUID's form
	return r.roundTrip(r.request)
}
