// Package request carries what one HTTP request, or one WebSocket connection, says beside its GraphQL operation: where it comes from, which
// session it belongs to and how that wants to be kept.
package request

import (
	"context"
	"net/http"
	"net/netip"
)

// Info is what a request says of itself. It is filled by the HTTP layer and not changed after it, but for cookies.
type Info struct {
	// IdempotencyKey is the Idempotency-Key header, "" without one and always on a WebSocket.
	IdempotencyKey string
	// ClientIP is where the request comes from; zero when that is not known.
	ClientIP netip.Addr
	// Token is the session's token that the request was authenticated with, "" when nobody is signed in.
	Token string
	// TokenFromCookie says that Token came in the session's cookie.
	TokenFromCookie bool
	// UserAgent is what the client calls itself.
	UserAgent string
	// WantsCookie says that a new session shall be kept in a cookie (X-Session: cookie).
	WantsCookie bool
	// SetCookie adds a cookie to the response. Nil where there is no response to add one to.
	SetCookie func(*http.Cookie)
}

type key struct{}

// With answers a context in which From finds info.
func With(ctx context.Context, info Info) context.Context { return context.WithValue(ctx, key{}, info) }

// From answers what the request of ctx says, and the zero Info outside of requests.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(key{}).(Info)
	return info
}
