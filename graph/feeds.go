package graph

import (
	"context"

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

func newFeeds(hub *live.Hub, reads Reads) feeds {
	return feeds{
		events: live.NewFeed(hub, live.Source[query.Event]{
			Channel: channel(announce.Event), Load: reads.Events,
			Version: func(e query.Event) int64 { return e.Version },
		}),
		availability: live.NewFeed(hub, live.Source[query.Event]{
			Channel: channel(announce.Availability), Load: availability(reads),
			Version: func(e query.Event) int64 { return e.Inventory.Version },
		}),
		reservations: live.NewFeed(hub, live.Source[query.Reservation]{
			Channel: channel(announce.Reservation), Load: reads.Reservations,
			Version: func(r query.Reservation) int64 { return r.Version },
		}),
		payments: live.NewFeed(hub, live.Source[query.Payment]{
			Channel: channel(announce.Payment), Load: reads.Payments,
			Version: func(p query.Payment) int64 { return p.Version },
		}),
	}
}

func channel(kind announce.Kind) func(string) string {
	return func(id string) string { return announce.Channel(kind, id) }
}

// availability joins events with their inventories. An event that has none yet has an empty one at version 0.
func availability(reads Reads) func(context.Context, []string) (map[string]query.Event, error) {
	return func(ctx context.Context, ids []string) (map[string]query.Event, error) {
		events, err := reads.Events(ctx, ids)
		if err != nil {
			return nil, err
		}
		inventories, err := reads.Inventories(ctx, ids)
		if err != nil {
			return nil, err
		}
		for eventID, e := range events {
			inventory := inventories[eventID]
			e.Inventory = &inventory
			events[eventID] = e
		}
		return events, nil
	}
}
