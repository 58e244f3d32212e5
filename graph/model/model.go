// Package model holds the API's types that no other package has: inputs and payloads (generated from graph/schema) and the few
// objects that join what several packages know.
package model

import (
	"time"

	"ticketing/internal/auth"
	"ticketing/query"
)

// Node is any object that `node(id:)` can answer. The types are those of other packages, which must not know of GraphQL; so it
// can't ask for a method.
type Node any

// User is somebody who signed in once.
type User struct {
	auth.User

	// Viewer says that the answer goes to the user himself although the request came from nobody: he has just signed in.
	Viewer bool
}

// Payment is a payment of the read side, or of a mutation's answer with what the customer must do next.
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
