package ratelimit

import "time"

// SignIns limits asking for sign-in links and using them. Each limit has counts of its own, so that no client can use up another's: what
// is counted by an address alone does not lock its owner out, because the mail of LastMail is still sent.
//
// They refuse while Redis is away: signing in needs Redis anyway, and mails must not be sent uncounted.
type SignIns struct {
	AskByIP   Limit // asking, by network: many people share one
	UseByIP   Limit // using a link, by network
	Ask       Limit // asking, by address and network
	Address   Limit // asking, by address from all networks
	Mails     Limit // mails to an address in a day
	LastMail  Limit // by address and network: the mail that is sent although Address or Mails are used up
	LastMails Limit // the same by address
}

// By how much the limits differ from that of one address in one network (AUTH_RATE_LIMIT_*).
const (
	askersOfNetwork   = 10 // an office or a campus in the minute of an on-sale
	usersOfNetwork    = 30 // links that are opened again, and by mail scanners
	networksOfAddress = 3
	windowsOfDay      = 10 // a mailbox must not be filled
	lastMailsOfDay    = 50
)

// SignIn returns the limits of signing in: how often one client may ask for links to one address.
func SignIn(requests int, window time.Duration) SignIns {
	const day = 24 * time.Hour
	return SignIns{
		AskByIP:   Limit{Requests: askersOfNetwork * requests, Window: window},
		UseByIP:   Limit{Requests: usersOfNetwork * requests, Window: window},
		Ask:       Limit{Requests: requests, Window: window},
		Address:   Limit{Requests: networksOfAddress * requests, Window: window},
		Mails:     Limit{Requests: windowsOfDay * requests, Window: day},
		LastMail:  Limit{Requests: 1, Window: day},
		LastMails: Limit{Requests: lastMailsOfDay * requests, Window: day},
	}
}

// Guests limits new guests by IP (GUEST_RATE_LIMIT_REQUESTS a minute). It refuses while Redis is away, which has the guests' sessions.
func Guests(perMinute int) Limit { return Limit{Requests: perMinute, Window: time.Minute} }

// AddressesOfNetwork is how many times as much as an address its network may do (NetworkKey): more addresses than that in one network are rarely
// customers', and who rents networks of addresses gets no more than this from each.
const AddressesOfNetwork = 10

// OfNetwork returns the limit of a network, of which l is that of an address.
func (l Limit) OfNetwork() Limit {
	l.Requests *= AddressesOfNetwork
	return l
}

// Mutations limits the root fields of mutations by user (MUTATION_RATE_LIMIT_REQUESTS a minute). It allows everything while Redis is away:
// a lost counter must not stop sales.
func Mutations(perMinute int) Limit {
	return Limit{Requests: perMinute, Window: time.Minute, FailOpen: true}
}

// Reservations limits the reservations that are made from an IP address while a hold lasts, in 10 minutes. It allows everything while Redis is away:
// a lost counter must not stop sales.
func Reservations(requests int) Limit {
	return Limit{Requests: requests, Window: 10 * time.Minute, FailOpen: true}
}

// Seats limits the numbered seats that a user adds in a day, in hundreds. It allows everything while Redis is away.
func Seats(hundreds int) Limit {
	return Limit{Requests: hundreds, Window: 24 * time.Hour, FailOpen: true}
}

// WebSocketMessages limits the messages that a user sends over all sockets (WS_RATE_LIMIT_MESSAGES a minute). It allows everything while
// Redis is away.
func WebSocketMessages(perMinute int) Limit {
	return Limit{Requests: perMinute, Window: time.Minute, FailOpen: true}
}
