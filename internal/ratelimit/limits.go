package ratelimit

import "time"

// SignIn limits requesting and verifying magic links, by address and by IP (AUTH_RATE_LIMIT_*). It refuses while Redis is away: signing in
// needs Redis anyway, and mails must not be sent uncounted.
func SignIn(requests int, window time.Duration) Limit {
	return Limit{Requests: requests, Window: window}
}

// Mutations limits the root fields of mutations by user (MUTATION_RATE_LIMIT_REQUESTS a minute). It allows everything while Redis is away:
// a lost counter must not stop sales.
func Mutations(perMinute int) Limit {
	return Limit{Requests: perMinute, Window: time.Minute, FailOpen: true}
}

// WebSocketMessages limits the messages that a user sends over all sockets (WS_RATE_LIMIT_MESSAGES a minute). It allows everything while
// Redis is away.
func WebSocketMessages(perMinute int) Limit {
	return Limit{Requests: perMinute, Window: time.Minute, FailOpen: true}
}
