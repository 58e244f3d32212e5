package graph_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
	"ticketing/internal/auth"
	"ticketing/internal/id"
)

// fakeLog holds streams.
type fakeLog struct {
	streams map[string][]eventstore.Recorded
}

func (f *fakeLog) Range(_ context.Context, streamID string, part eventstore.Range) ([]eventstore.Recorded, error) {
	found := slices.DeleteFunc(slices.Clone(f.streams[streamID]), func(r eventstore.Recorded) bool {
		return r.Version <= part.After || r.Version >= part.Before
	})
	if part.Backward {
		slices.Reverse(found)
	}
	return found[:min(part.Limit, len(found))], nil
}

func (f *fakeLog) add(streamID string, n int) {
	if f.streams == nil {
		f.streams = map[string][]eventstore.Recorded{}
	}
	for i := range n {
		f.streams[streamID] = append(f.streams[streamID], eventstore.Recorded{
			Position: int64(i) + 1<<33, StreamID: streamID, Version: int64(i + 1), Type: "Happened", SchemaVersion: 1, Data: []byte(`{"n":` + strconv.Itoa(i) + `}`),
			Metadata:   eventstore.Metadata{CorrelationID: "request", CausationID: "cause", Actor: "usr_x", Incarnation: "inc"},
			RecordedAt: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC),
		})
	}
}

const auditQuery = `query($id: ID!, $stream: AuditStream! = EVENT, $first: Int, $after: String, $last: Int, $before: String) {
	auditLog(id: $id, stream: $stream, first: $first, after: $after, last: $last, before: $before) {
		nodes { id stream version position type schemaVersion recordedAt actor correlationId causationId traceparent data }
		edges { cursor node { version } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
	}
}`

// auditPage is what the tests look at of a page.
type auditPage struct {
	versions       []int
	next, previous bool
	start, end     any
	nodes          []any
}

func (a *api) auditPage(v vars, header []string) auditPage {
	a.t.Helper()
	answer := a.do(auditQuery, v, header...)
	require.Empty(a.t, answer.Errors, answer.body)
	found := answer.Data["auditLog"].(map[string]any)
	info := found["pageInfo"].(map[string]any)
	p := auditPage{next: info["hasNextPage"].(bool), previous: info["hasPreviousPage"].(bool), start: info["startCursor"], end: info["endCursor"]}
	for _, edge := range found["edges"].([]any) {
		p.versions = append(p.versions, int(edge.(map[string]any)["node"].(map[string]any)["version"].(float64)))
	}
	p.nodes = found["nodes"].([]any)
	return p
}

func TestTheAuditLogIsReadInPages(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	admin := a.as(newUser(), auth.RoleAdmin)
	object := id.New(id.Reservation)
	a.history.add("reservation-"+object, 250)

	first := a.auditPage(vars{"id": object, "first": 2}, admin)
	require.Equal(t, []int{1, 2}, first.versions)
	require.True(t, first.next)
	require.False(t, first.previous)
	require.Equal(t, map[string]any{
		"id": "inc-0-8589934592", "stream": "reservation-" + object, "version": 1.0, "position": "8589934592", "type": "Happened",
		"schemaVersion": 1.0, "recordedAt": "2026-01-01T00:00:00Z", "actor": "usr_x", "correlationId": "request", "causationId": "cause",
		"traceparent": nil, "data": map[string]any{"n": 0.0},
	}, first.nodes[0])

	second := a.auditPage(vars{"id": object, "first": 2, "after": first.end}, admin)
	require.Equal(t, []int{3, 4}, second.versions)
	require.True(t, second.previous)
	require.Equal(t, []int{1, 2}, a.auditPage(vars{"id": object, "last": 2, "before": second.start}, admin).versions)
	last := a.auditPage(vars{"id": object, "last": 3}, admin)
	require.Equal(t, []int{248, 249, 250}, last.versions)
	require.False(t, last.next)
	require.Len(t, a.auditPage(vars{"id": object}, admin).versions, 20)
	require.Len(t, a.auditPage(vars{"id": object, "first": 1000}, admin).versions, 100, "the largest page")
	require.Empty(t, a.auditPage(vars{"id": id.New(id.Payment)}, admin).versions)
}

func TestAnEventHasTwoHistories(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	admin := a.as(newUser(), auth.RoleAdmin)
	object := id.New(id.Event)
	a.history.add("event-"+object, 1)
	a.history.add("inventory-"+object, 2)
	require.Len(t, a.auditPage(vars{"id": object}, admin).versions, 1)
	require.Len(t, a.auditPage(vars{"id": object, "stream": "INVENTORY"}, admin).versions, 2)
}

func TestTheAuditLogIsForAdmins(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	v := vars{"id": id.New(id.Event)}
	require.Equal(t, "UNAUTHENTICATED", a.do(auditQuery, v).code())
	require.Equal(t, "FORBIDDEN", a.do(auditQuery, v, a.as(newUser())...).code())
	require.Equal(t, "FORBIDDEN", a.do(auditQuery, v, a.as(newUser(), auth.RoleOrganizer)...).code())
	admin := a.as(newUser(), auth.RoleAdmin)
	for _, wrong := range []vars{
		{"id": "nonsense"}, {"id": id.New(id.User)}, {"id": id.New(id.Reservation), "stream": "INVENTORY"}, {"id": v["id"], "first": 1, "last": 1},
		{"id": v["id"], "first": -1}, {"id": v["id"], "after": "nonsense"},
	} {
		require.Equal(t, "BAD_USER_INPUT", a.do(auditQuery, wrong, admin...).code(), wrong)
	}
}
