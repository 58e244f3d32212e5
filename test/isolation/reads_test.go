package isolation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
)

const (
	seatsQuery = `query($id: ID!) { event(id: $id) { sections { a: seats(first: 100) { nodes { label status } } b: seats(first: 100) { nodes { label status } } } } }`
	textsQuery = `{ events(first: 100) { nodes { description sections { name available } } } }`
	lightQuery = `query($id: ID!) { event(id: $id) { sections { name available reserved sold capacity price { amount currencyCode } } } }`
	counts     = `subscription($id: ID!) { availability(eventId: $id) { inventoryVersion sections { ` +
		`name available reserved sold capacity seats(first: 100) { nodes { label status } } } } }`
)

// planReads returns an event of 40 sections, of 250 numbered seats each, and visitors from three addresses.
func planReads(h *house) plan {
	organizer := h.newOrganizer()
	eventID := h.addEvent(organizer, vars{"capacity": 1_000_000})
	for i := range 40 {
		h.addSection(organizer, eventID, fmt.Sprintf("Block %d", i), vars{"rows": rowsOf(5, 50)})
	}
	return plan{Events: []string{eventID}, Clients: []client{h.visitor(), h.visitor(), h.visitor(), h.newUser()}}
}

// heavyReads are the largest reads that one may make without signing in.
var heavyReads = party{
	name: "heavy reads", workers: 12, prepare: planReads,
	attack: func(a *attacker, worker int) error {
		if worker%2 == 0 {
			return a.Clients[worker%3].do(a.ctx, seatsQuery, vars{"id": a.Events[0]}, nil)
		}
		return a.Clients[worker%3].do(a.ctx, textsQuery, nil, nil)
	},
}

// manyReads are reads that count as light, hundreds at a time from one address. From three, they take the processors of a machine that has two,
// on which PostgreSQL and all parts run beside them; what a purchase takes is four times as long then.
var manyReads = party{
	name: "many reads", workers: 300, prepare: planReads,
	attack: func(a *attacker, worker int) error {
		return a.Clients[0].do(a.ctx, lightQuery, vars{"id": a.Events[0]}, nil)
	},
}

// liveReads are subscriptions to much of an event that sells all the time.
var liveReads = party{
	name: "live reads", workers: 61, prepare: planReads,
	attack: func(a *attacker, worker int) error {
		if worker == 0 {
			_, _, err := a.Clients[3].purchase(a.ctx, a.Events[0])
			return err
		}
		return a.listen(a.Clients[worker%3], counts, vars{"id": a.Events[0]})
	},
}

// listen reads an event stream to its end.
func (a *attacker) listen(c client, query string, v vars) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		return err
	}
	r, err := c.request(a.ctx, "/graphql", body)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	response, err := connections.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "event: complete"):
			return nil
		case strings.HasPrefix(line, `data: {"errors"`):
			a.count(fmt.Errorf("%s", line))
		case strings.HasPrefix(line, "data: {"):
			a.count(nil)
		}
	}
	return lines.Err()
}
