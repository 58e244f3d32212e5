package isolation

import (
	"fmt"
	"time"
)

// seatedArenas adds events of 200,000 numbered seats, as many as an organizer may in a day.
var seatedArenas = party{
	name: "seated arenas", workers: 1,
	prepare: func(h *house) plan { return plan{Clients: []client{h.newOrganizer()}} },
	attack: func(a *attacker, _ int) error {
		organizer := a.Clients[0]
		var created struct{ Event struct{ ID string } }
		if err := organizer.mutate(a.ctx, "createEvent", "CreateEventInput", "event { id }",
			vars{"name": "An arena", "venue": "A hall", "startsAt": "2040-01-01T20:00:00Z"}, &created); err != nil {
			return err
		}
		for block := range 2 {
			if err := organizer.addSection(a.ctx, created.Event.ID, fmt.Sprintf("Block %d", block), vars{"rows": rowsOf(100, 1000)}); err != nil {
				_ = pause(a.ctx, time.Second)
				return err
			}
		}
		return nil
	},
}
