// Package model holds the API's types that no other package has: inputs and payloads (generated from graph/schema) and the few
// objects that join what several packages know.
package model

import (
	"time"

	"ticketing/internal/auth"
	"ticketing/query"
)

// Node is any object that `node(id:)` can return. The types are those of other packages, which must not know of GraphQL, so the interface
// can't ask for a method.
type Node any

// User is a user as the API shows them.
type User struct {
	auth.User

	// IsViewer reports whether the response goes to this user although the request was not signed in: they have just signed in.
	IsViewer bool
}

// Payment is a payment of the read side or of a mutation, and what the customer must do next.
type Payment struct {
	query.Payment

	NextAction *PaymentNextAction
}

// Session is a session, as its user sees it.
type Session struct {
	auth.Session

	Current bool // it is the session of the request
}

// AccessLogEntry is an entry of the access log.
type AccessLogEntry struct {
	ID      string
	At      time.Time
	Action  string
	ActorID string // "" for the platform itself
	UserID  string
	Role    *string
}
