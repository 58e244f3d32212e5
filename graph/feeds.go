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

	wholeEvents   *live.Feed[query.Event]       // with their inventories: whenever one of the two changed
	wholePurchase *live.Feed[query.Reservation] // with its payments: whenever one of them changed
}

func newFeeds(hub *live.Hub, reads *query.Reader) feeds {
	return feeds{
		availability: live.NewFeed(hub, availabilitySource(reads)),
		wholeEvents:  live.NewFeed(hub, wholeEventSource(reads)),
		wholePurchase: live.NewFeed(hub, live.Source[query.Reservation]{
			Channels: announceChannels(announce.Reservation, announce.PaymentOfReservation), Load: reads.ReservationsWithPayments,
			Version: func(r query.Reservation) int64 { return r.Version + r.PaymentsVersion },
		}),
		events: live.NewFeed(hub, live.Source[query.Event]{
			Channels: announceChannels(announce.Event), Load: reads.Events,
			Version: func(e query.Event) int64 { return e.Version },
		}),
		reservations: live.NewFeed(hub, live.Source[query.Reservation]{
			Channels: announceChannels(announce.Reservation), Load: reads.Reservations,
			Version: func(r query.Reservation) int64 { return r.Version },
		}),
		payments: live.NewFeed(hub, live.Source[query.Payment]{
			Channels: announceChannels(announce.Payment), Load: reads.Payments,
			Version: func(p query.Payment) int64 { return p.Version },
		}),
	}
}

// announceChannels returns the function that names the channels of an object.
func announceChannels(kinds ...announce.Kind) func(id string) []string {
	return func(id string) []string {
		channels := make([]string, len(kinds))
		for i, kind := range kinds {
			channels[i] = announce.Channel(kind, id)
		}
		return channels
	}
}
