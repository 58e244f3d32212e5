package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// httpReserver is one connection that reserves. It costs as little as can be, since it takes its time from the server's cores: the
// request is ready but for its idempotency key, and of the answer only what proves it is looked at.
type httpReserver struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte
	key     []byte // its place in request
	body    []byte
}

// reservation is what a storefront asks for.
const reserveQuery = `mutation Reserve($input: ReserveSeatsInput!) { reserveSeats(input: $input) {
	reservation { id version status expiresAt seats { section label price { amount currencyCode } } total { amount currencyCode } }
	userErrors { code message field } } }`

// emptyKey is as long as every key.
const emptyKey = "00000000-0000-0000-0000-000000000000"

func newHTTPReserver(ctx context.Context, address, token, eventID string) (*httpReserver, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to the api: %w", err)
	}
	body, err := json.Marshal(map[string]any{"query": reserveQuery, "variables": map[string]any{"input": map[string]any{
		"eventId": eventID, "idempotencyKey": emptyKey, "items": []any{map[string]any{"section": sectionName, "quantity": perCommand}},
	}}})
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	r := &httpReserver{conn: conn, answers: bufio.NewReader(conn)}
	r.request = fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\n"+
		"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", address, token, len(body), body)
	at := bytes.Index(r.request, []byte(emptyKey))
	r.key = r.request[at : at+len(emptyKey)]
	return r, nil
}

func (r *httpReserver) close() { _ = r.conn.Close() }

// reserve reserves, and answers when the reservation is durable.
func (r *httpReserver) reserve(client, n int) error {
	copy(r.key, fmt.Sprintf("%08x-%04x-%04x-0000-%012x", client, n>>16, n&0xffff, time.Now().UnixNano()&(1<<48-1))) // a UUID's form
	if _, err := r.conn.Write(r.request); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	length, err := r.header()
	if err != nil {
		return err
	}
	if cap(r.body) < length {
		r.body = make([]byte, length)
	}
	r.body = r.body[:length]
	if _, err := io.ReadFull(r.answers, r.body); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if !bytes.Contains(r.body, []byte(`"status":"SEATS_RESERVED"`)) {
		return fmt.Errorf("not reserved: %s", r.body)
	}
	return nil
}

// header reads an answer's header and answers the length of its body.
func (r *httpReserver) header() (length int, err error) {
	length = -1
	for {
		line, err := r.answers.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("read an answer: %w", err)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, fmt.Errorf("read an answer: %w", err)
			}
		}
	}
	if length < 0 {
		return 0, errors.New("an answer without a length")
	}
	return length, nil
}
