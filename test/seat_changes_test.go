package test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
	"ticketing/internal/testenv"
)

const watchSeats = `subscription($id: ID!) { seatChanges(eventId: $id) { version changes { section label status accessible restrictedView } reload } }`

type changedSeat struct {
	Section, Label, Status     string
	Accessible, RestrictedView bool
}

// seatPicture is what a client knows of an event's seats: it reads the seat maps and follows the changes.
type seatPicture struct {
	c       *client
	eventID string
	seats   map[string]changedSeat // what the changes said, by label
	version int
	reload  map[string]bool
}

// apply reads a message and checks that versions rise.
func (p *seatPicture) apply(m wsMessage) {
	p.c.t.Helper()
	var next struct {
		Data struct {
			SeatChanges struct {
				Version int
				Changes []changedSeat
				Reload  []string
			}
		}
		Errors []graphQLError
	}
	require.NoError(p.c.t, json.Unmarshal(m.Payload, &next))
	require.Empty(p.c.t, next.Errors)
	changes := next.Data.SeatChanges
	if p.version == 0 {
		require.Empty(p.c.t, changes.Changes, "at first only the version")
		require.Empty(p.c.t, changes.Reload)
	}
	require.Greater(p.c.t, changes.Version, p.version)
	p.version = changes.Version
	for _, seat := range changes.Changes {
		p.seats[seat.Label] = seat
	}
	for _, section := range changes.Reload {
		p.reload[section] = true
	}
}

// follow applies messages until the condition holds.
func (p *seatPicture) follow(messages <-chan wsMessage, what string, done func() bool) {
	p.c.t.Helper()
	for deadline := time.After(testenv.Patience); !done(); {
		select {
		case m, open := <-messages:
			require.True(p.c.t, open, "the stream ended before: %s", what)
			p.apply(m)
		case <-deadline:
			require.Fail(p.c.t, "never came: "+what, "%+v", p)
		}
	}
}

func TestTheSeatsThatChangeAreStreamed(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	awaitSections(t, alice, id, map[string][3]int{"Stalls": {20, 0, 0}})
	streams := map[string]<-chan wsMessage{
		"over a WebSocket": alice.subscribe(watchSeats, vars{"id": id}), "over SSE": alice.subscribeToEvents(watchSeats, vars{"id": id}),
	}
	pictures := map[string]*seatPicture{}
	for kind, stream := range streams {
		p := &seatPicture{c: alice, eventID: id, seats: map[string]changedSeat{}, reload: map[string]bool{}}
		p.follow(stream, "the version now", func() bool { return p.version > 0 })
		pictures[kind] = p
	}
	awaitSeats := func(want ...changedSeat) {
		t.Helper()
		for kind, p := range pictures {
			p.follow(streams[kind], kind, func() bool {
				for _, seat := range want {
					if p.seats[seat.Label] != seat {
						return false
					}
				}
				return true
			})
		}
	}
	r := requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "A-1", "A-2"), bestSeats("Floor", 1))).Reservation
	awaitSeats(changedSeat{"Stalls", "A-1", "RESERVED", false, false}, changedSeat{"Stalls", "A-2", "RESERVED", false, false})
	requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
	awaitSeats(changedSeat{"Stalls", "A-1", "SOLD", false, false})
	requireAccepted(t, organizer.updateSection(id, "Stalls", vars{"block": []string{"B-1"}, "accessible": []string{"B-2"}, "restrictedView": []string{"A-1"}}))
	awaitSeats(changedSeat{"Stalls", "B-1", "BLOCKED", false, false}, changedSeat{"Stalls", "B-2", "AVAILABLE", true, false}, changedSeat{"Stalls", "A-1", "SOLD", false, true})
	other := requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "B-3"))).Reservation
	alice.cancelReservation(other.ID)
	for kind, p := range pictures { // states in between may be skipped: the seat is sent, as it is in the end
		p.follow(streams[kind], kind, func() bool { return p.seats["B-3"].Status == "AVAILABLE" })
		require.Empty(t, p.reload)
	}

	requireAccepted(t, organizer.updateSection(id, "Stalls", vars{"rows": []vars{{"row": "C", "seats": 2}}}))
	requireAccepted(t, organizer.addInventory(id, "Balcony", "20.00", vars{"rows": []vars{{"row": "A", "seats": 2}}}))
	for kind, p := range pictures {
		p.follow(streams[kind], kind, func() bool { return p.reload["Stalls"] && p.reload["Balcony"] })
	}
	late := &seatPicture{c: alice, eventID: id, seats: map[string]changedSeat{}, reload: map[string]bool{}}
	stream := alice.subscribe(watchSeats, vars{"id": id})
	late.follow(stream, "the version now, for who comes later", func() bool { return late.version > 0 })
	for _, p := range pictures {
		require.Equal(t, p.version, late.version)
	}
	requireAccepted(t, alice.reserveSeats(id, namedSeats("Balcony", "A-1")))
	late.follow(stream, "the next change", func() bool { return late.seats["A-1"].Status == "RESERVED" })
	require.Empty(t, late.reload)
}

const resumeSeats = `subscription($id: ID!, $since: Int) {
	seatChanges(eventId: $id, sinceVersion: $since) { version changes { section label status accessible restrictedView } reload }
}`

// After a break a client goes on with what changed meanwhile, and reads no seat map again unless it must.
func TestAWatcherGoesOnAfterABreak(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	awaitSections(t, alice, id, map[string][3]int{"Stalls": {20, 0, 0}})
	resume := func(c *client, since int) *seatPicture {
		t.Helper()
		p := &seatPicture{c: c, eventID: id, seats: map[string]changedSeat{}, reload: map[string]bool{}, version: -1}
		stream := c.subscribe(resumeSeats, vars{"id": id, "since": since})
		p.follow(stream, "what changed", func() bool { return p.version >= since })
		page := &seatPicture{c: c, eventID: id, seats: map[string]changedSeat{}, reload: map[string]bool{}, version: -1}
		page.follow(c.resumeEvents(watchSeats, vars{"id": id}, strconv.Itoa(since)), "the same, by Last-Event-ID", func() bool { return page.version >= since })
		require.Equal(t, p, page)
		return p
	}
	watching, stop := context.WithCancel(t.Context())
	versions := make(chan int, 16)
	go func() {
		typed := ticketing.New(ticketing.Config{URL: alice.url + "/graphql"}).WithToken(alice.token)
		_ = typed.WatchSeats(watching, id, func(c api.WatchSeatsSeatChanges) error { versions <- c.Version; return nil })
	}()
	since := <-versions
	stop()
	requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "A-1")))
	requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "A-2"), bestSeats("Floor", 1)))
	awaitSections(t, alice, id, map[string][3]int{"Stalls": {18, 2, 0}})
	reserved := map[string]changedSeat{"A-1": {"Stalls", "A-1", "RESERVED", false, false}, "A-2": {"Stalls", "A-2", "RESERVED", false, false}}
	newest := 0
	for name, c := range map[string]*client{"one of many": alice, "an organizer, alone": organizer} {
		p := resume(c, since)
		require.Equal(t, reserved, p.seats, name)
		require.Empty(t, p.reload, name)
		newest = p.version
		later := resume(c, since+1)
		require.Len(t, later.seats, 1, name)
		require.Empty(t, resume(c, newest).seats, name)
		all := map[string]bool{"Stalls": true}
		require.Equal(t, all, resume(c, 0).reload, "nothing is known")
		require.Equal(t, all, resume(c, 1).reload, "there were other rows")
	}

	p := &seatPicture{c: alice, eventID: id, seats: map[string]changedSeat{}, reload: map[string]bool{}}
	p.version = newest - 1 // of another log: it is not in this one
	p.follow(alice.subscribe(resumeSeats, vars{"id": id, "since": newest + 50}), "all again", func() bool { return p.reload["Stalls"] })
	require.Equal(t, newest, p.version)
}
