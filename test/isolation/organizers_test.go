package isolation

import (
	"strconv"
	"strings"
	"time"
)

// restlessOrganizers change their events all the time, as often as they may.
var restlessOrganizers = party{
	name: "restless organizers", workers: 4,
	prepare: func(h *house) (p plan) {
		for range 4 {
			organizer := h.newOrganizer()
			p.Clients = append(p.Clients, organizer)
			p.Events = append(p.Events, h.addEvent(organizer, vars{"capacity": 100}))
		}
		return p
	},
	attack: func(a *attacker, worker int) error {
		return a.Clients[worker].mutate(a.ctx, "updateEvent", "UpdateEventInput", "event { id }", vars{
			"eventId": a.Events[worker], "name": strconv.FormatInt(time.Now().UnixNano(), 10), "description": strings.Repeat("words ", 1_600),
			"salesCloseAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		}, nil)
	},
}
