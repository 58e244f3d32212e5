package events_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/projector/events"
	"ticketing/projector/readtest"
	"ticketing/query"
)

func TestEventRow(t *testing.T) {
	w := readtest.New(t)
	four := 4
	opens := readtest.Noon.Add(time.Hour)
	first := readtest.Created("Jazz Night")
	first.Description, first.MaxTicketsPerCustomer, first.SalesOpenAt = "all night", &four, &opens
	w.Append("event-evt_1", first)
	w.ProjectAll(events.Projection{})
	require.Equal(t, query.Event{
		ID: "evt_1", Version: 1, OrganizerID: "usr_org", Name: "Jazz Night", Description: "all night", Venue: "Arena",
		StartsAt: readtest.Noon.Add(1000 * time.Hour), TimeZone: "UTC", SalesOpenAt: &opens, MaxTicketsPerReservation: 8, MaxTicketsPerCustomer: &four,
		PaymentAttempts: 1, Status: "DRAFT", CreatedAt: readtest.Noon,
	}, w.Event("evt_1"))

	for i, step := range []struct {
		domainEvent any
		status      string
	}{
		{event.EventPublished{}, "PUBLISHED"}, {event.SalesOpened{}, "SALES_OPEN"}, {event.SalesClosed{}, "SALES_CLOSED"},
		{event.EventUpdated{
			Name: "Blues Night", Venue: "Hall", StartsAt: readtest.Noon, TimeZone: "Europe/Berlin",
			Limits: &event.Limits{MaxTicketsPerReservation: 5, PaymentAttempts: 2},
		}, "SALES_CLOSED"},
		{event.EventCompleted{}, "COMPLETED"}, {event.EventCancelled{}, "CANCELLED"},
	} {
		w.Append("event-evt_1", step.domainEvent)
		w.ProjectAll(events.Projection{})
		require.Equal(t, step.status, w.Event("evt_1").Status)
		require.EqualValues(t, i+2, w.Event("evt_1").Version)
	}
	require.Equal(t, "Blues Night", w.Event("evt_1").Name)
	require.Equal(t, "Europe/Berlin", w.Event("evt_1").TimeZone)
	require.Nil(t, w.Event("evt_1").SalesOpenAt)
	require.Nil(t, w.Event("evt_1").MaxTicketsPerCustomer)
	require.Equal(t, []int{5, 2}, []int{w.Event("evt_1").MaxTicketsPerReservation, w.Event("evt_1").PaymentAttempts})
	require.False(t, w.Event("evt_1").Withdrawn, "it was published")

	for search, found := range map[string]int{"blue ha": 1, "jazz": 0, "night": 1, "ight": 0, "' | x": 0, "": 1, " ": 1, "*": 0, "🎉 !": 0} {
		page, err := w.Reader.EventPage(t.Context(), query.EventFilter{Search: &search}, query.PageArgs{})
		require.NoError(t, err)
		require.Len(t, page.Items, found, search)
	}
}

func TestWhatWasNeverPublishedIsListedForItsOrganizerOnly(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("Secret plans"), event.EventCancelled{})
	w.Append("event-evt_2", readtest.Created("Secret plans"), event.DraftDeleted{})
	w.Append("event-evt_3", readtest.Created("Secret plans"), event.EventCancelled{}, event.DraftDeleted{})
	w.ProjectAll(events.Projection{})

	search, cancelled := "secret", "CANCELLED"
	for name, c := range map[string]struct {
		filter query.EventFilter
		want   int
	}{
		"all":                  {query.EventFilter{}, 0},
		"all, by search":       {query.EventFilter{Search: &search}, 0},
		"all, by status":       {query.EventFilter{Status: &cancelled}, 0},
		"organizer":            {query.EventFilter{Viewer: "usr_org"}, 1},
		"organizer, by search": {query.EventFilter{Viewer: "usr_org", Search: &search}, 1},
		"admin":                {query.EventFilter{All: true}, 1},
	} {
		page, err := w.Reader.EventPage(t.Context(), c.filter, query.PageArgs{})
		require.NoError(t, err)
		require.Len(t, page.Items, c.want, name)
	}
	require.True(t, w.Event("evt_1").Withdrawn)
	require.Equal(t, []any{true, "", ""}, []any{w.Event("evt_2").Deleted, w.Event("evt_2").Name, w.Event("evt_2").Venue})
}
