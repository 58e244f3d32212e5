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
)

// httpConn is a connection for one request after the other, which costs less than net/http's client.
type httpConn struct {
	conn      net.Conn
	responses *bufio.Reader
	body      []byte
}

func dialHTTP(ctx context.Context, address string) (*httpConn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &httpConn{conn: conn, responses: bufio.NewReader(conn)}, nil
}

func (c *httpConn) close() { _ = c.conn.Close() }

// postGraphQL returns a request in the form in which it is sent.
func postGraphQL(address, token, query string, variables map[string]any) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	authorization := ""
	if token != "" {
		authorization = "Authorization: Bearer " + token + "\r\n"
	}
	return fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\n"+
		"%sContent-Length: %d\r\n\r\n%s", address, authorization, len(body), body), nil
}

// roundTrip sends a request and returns the response's body, which is valid until the next request.
func (c *httpConn) roundTrip(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	length, err := c.readHeader()
	if err != nil {
		return nil, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.responses, c.body); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	return c.body, nil
}

// readHeader reads a response's header and returns the length of its body.
func (c *httpConn) readHeader() (length int, err error) {
	length = -1
	for {
		line, err := c.responses.ReadSlice('\n')
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
