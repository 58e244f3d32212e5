// Package request carries what an HTTP request, or a WebSocket connection, has beside its GraphQL operation: its address, its session, and
// how the client wants to keep that.
package request

import (
	"context"
	"net/http"
	"net/netip"
)

// ConsistencyHeader is the header of consistency tokens, in requests and in responses.
const ConsistencyHeader = "Consistency-Token"

// Info is what the HTTP layer reads from a request. Only the sign-in changes it later.
type Info struct {
	// IdempotencyKey is the Idempotency-Key header; always "" on a WebSocket.
	IdempotencyKey string
	// ClientIP is the client's address; zero when that is unknown.
	ClientIP netip.Addr
	// Token is the session's token that the request was authenticated with, "" when it was not.
	Token string
	// TokenFromCookie reports whether Token came in the session's cookie.
	TokenFromCookie bool
	// ClientName is the apollographql-client-name header: how a client calls itself.
	ClientName string
	// UserAgent is the User-Agent header.
	UserAgent string
	// ConsistencyToken is the Consistency-Token header: the request sees at least the mutation that returned it. "" on a WebSocket.
	ConsistencyToken string
	// OrderLink is the Order-Link header: the link of one order, which its mails have. "" on a WebSocket.
	OrderLink string
	// LastEventID is the Last-Event-ID header: the id of the last event that an event stream had before a break. "" on a WebSocket.
	LastEventID string
	// WantsCost reports whether the response is to say what the operation costs (X-GraphQL-Cost: include).
	WantsCost bool
	// SetHeader sets a header of the response. Nil on a WebSocket.
	SetHeader func(name, value string)
	// WantsCookie reports whether a new session is to be kept in a cookie (X-Session: cookie).
	WantsCookie bool
	// Cookie returns the value of a cookie of the request, "" without one.
	Cookie func(name string) string
	// SetCookie adds a cookie to the response. Nil on a WebSocket, whose responses have no headers.
	SetCookie func(*http.Cookie)
}

type key struct{}

// With returns a context in which From finds info.
func With(ctx context.Context, info Info) context.Context { return context.WithValue(ctx, key{}, info) }

// From returns the info of ctx's request, and the zero Info outside of requests.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(key{}).(Info)
	return info
}
