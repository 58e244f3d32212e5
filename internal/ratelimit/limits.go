package ratelimit

import "time"

// SignIn limits asking for and verifying magic links, by address and by IP (AUTH_RATE_LIMIT_*). It refuses while Redis is away:
// nobody can sign in then anyway, and mails must not be sent uncounted.
func SignIn(requests int, window time.Duration) Limit {
	return Limit{Requests: requests, Window: window}
}

// Mutations limits the root fields of mutations by user (MUTATION_RATE_LIMIT_REQUESTS a minute). It lets pass while Redis is away:
// a counter that is lost must not stop sales.
func Mutations(perMinute int) Limit {
	return Limit{Requests: perMinute, Window: time.Minute, FailOpen: true}
}

// WebSocketMessages limits what a user sends over all of their sockets (WS_RATE_LIMIT_MESSAGES a minute). It lets pass while Redis
// is away.
func WebSocketMessages(perMinute int) Limit {
	return Limit{Requests: perMinute, Window: time.Minute, FailOpen: true}
}
