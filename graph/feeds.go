package graph

import (
	"ticketing/graph/live"
	"ticketing/internal/announce"
	"ticketing/query"
)

// feeds follow what the projectors announce.
type feeds struct {
	events       *live.Feed[query.Event]
	availability *live.Feed[query.Event] // with its inventory, by the inventory's version
	reservations *live.Feed[query.Reservation]
	payments     *live.Feed[query.Payment]
}

func newFeeds(hub *live.Hub, reads *query.Reader) feeds {
	return feeds{
		availability: live.NewFeed(hub, availabilitySource(reads)),
		events: live.NewFeed(hub, live.Source[query.Event]{
			Channel: announceChannel(announce.Event), Load: reads.Events,
			Version: func(e query.Event) int64 { return e.Version },
		}),
		reservations: live.NewFeed(hub, live.Source[query.Reservation]{
			Channel: announceChannel(announce.Reservation), Load: reads.Reservations,
			Version: func(r query.Reservation) int64 { return r.Version },
		}),
		payments: live.NewFeed(hub, live.Source[query.Payment]{
			Channel: announceChannel(announce.Payment), Load: reads.Payments,
			Version: func(p query.Payment) int64 { return p.Version },
		}),
	}
}

// announceChannel returns the function that names the channel of an object.
func announceChannel(kind announce.Kind) func(id string) string {
	return func(id string) string { return announce.Channel(kind, id) }
}
