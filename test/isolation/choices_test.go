package isolation

import (
	"fmt"
	"strconv"

	"github.com/stretchr/testify/require"
)

// costlyChoices ask for the best seats of a map of which every second seat is sold, in as many items as one reservation may have; what they
// ask for is refused in the end, so that they may ask again.
var costlyChoices = party{
	name: "costly choices", workers: 16,
	prepare: func(h *house) plan {
		const rows, seats = 40, 100
		organizer, buyer := h.newOrganizer(), h.newUser()
		free := vars{"amount": "0", "currencyCode": "EUR"}
		eventID := h.addEvent(organizer, vars{"price": free, "rows": rowsOf(rows, seats)})
		h.addSection(organizer, eventID, "Gone", vars{"price": free, "capacity": 1})
		h.takeFree(buyer, eventID, vars{"section": "Gone", "quantity": 1})
		for row := range rows {
			var labels []string
			for seat := 2; seat <= seats; seat += 2 {
				labels = append(labels, fmt.Sprintf("%d-%d", row+1, seat))
			}
			h.takeFree(buyer, eventID, vars{"section": "Floor", "seats": labels})
		}
		p := plan{Events: []string{eventID}}
		for range 16 {
			p.Clients = append(p.Clients, h.newUser())
		}
		return p
	},
	attack: func(a *attacker, worker int) error {
		var items []vars
		for range 99 {
			items = append(items, vars{"section": "Floor", "quantity": 1})
		}
		items = append(items, vars{"section": "Gone", "quantity": 1})
		return a.Clients[worker].mutate(a.ctx, "reserveSeats", "ReserveSeatsInput", "reservation { id }",
			vars{"eventId": a.Events[0], "items": items, "idempotencyKey": newKey()}, nil)
	},
}

// takeFree takes tickets that cost nothing.
func (h *house) takeFree(buyer client, eventID string, items ...vars) {
	h.t.Helper()
	var reserved struct{ Reservation reservation }
	require.NoError(h.t, buyer.mutate(h.t.Context(), "reserveSeats", "ReserveSeatsInput", "reservation { id }",
		vars{"eventId": eventID, "items": items, "idempotencyKey": newKey()}, &reserved))
	require.NoError(h.t, buyer.mutate(h.t.Context(), "processPayment", "ProcessPaymentInput", "reservation { id }",
		vars{"reservationId": reserved.Reservation.ID, "idempotencyKey": newKey()}, nil)) // free tickets need no method
}

// rowsOf returns rows named 1, 2, 3 … of an input.
func rowsOf(rows, seats int) (all []vars) {
	for row := range rows {
		all = append(all, vars{"row": strconv.Itoa(row + 1), "seats": seats})
	}
	return all
}
