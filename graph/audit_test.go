package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
)

const auditQuery = `query($id: ID!, $stream: AuditStream! = EVENT, $first: Int, $after: String, $last: Int, $before: String) {
	auditLog(id: $id, stream: $stream, first: $first, after: $after, last: $last, before: $before) {
		nodes { id stream version position type schemaVersion recordedAt actor correlationId causationId traceparent data }
		edges { cursor node { version } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
	}
}`

// auditPage is what the tests check of a page.
type auditPage struct {
	versions       []int
	next, previous bool
	start, end     any
	nodes          []any
}

func (a *api) auditPage(v vars, header []string) auditPage {
	a.t.Helper()
	found := a.do(auditQuery, v, header...).field(a.t, "auditLog")
	info := found["pageInfo"].(map[string]any)
	p := auditPage{next: info["hasNextPage"].(bool), previous: info["hasPreviousPage"].(bool), start: info["startCursor"], end: info["endCursor"]}
	for _, edge := range found["edges"].([]any) {
		p.versions = append(p.versions, int(edge.(map[string]any)["node"].(map[string]any)["version"].(float64)))
	}
	p.nodes = found["nodes"].([]any)
	return p
}

// renameEvent records a domain event for each of n new names.
func (a *api) renameEvent(eventID string, n int, header []string) {
	a.t.Helper()
	const atOnce = 40
	for begin := 0; begin < n; begin += atOnce {
		var mutation strings.Builder
		for i := begin; i < min(n, begin+atOnce); i++ {
			fmt.Fprintf(&mutation, "m%d: updateEvent(input: {eventId: $e, name: \"Night %d\"}) { userErrors { message } }\n", i, i)
		}
		require.Empty(a.t, a.do("mutation($e: ID!) {"+mutation.String()+"}", vars{"e": eventID}, header...).Errors)
	}
}

func TestTheAuditLogIsReadInPages(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	adminID := newUser()
	admin := a.as(adminID, auth.RoleAdmin, auth.RoleOrganizer)
	eventID := a.openSales(append(admin, "X-Request-ID", "request-1"))
	a.renameEvent(eventID, 107, admin)

	first := a.auditPage(vars{"id": eventID, "first": 2}, admin)
	require.Equal(t, []int{1, 2}, first.versions)
	require.True(t, first.next)
	require.False(t, first.previous)
	entry := first.nodes[0].(map[string]any)
	require.Equal(t, "event-"+eventID, entry["stream"])
	require.Equal(t, "EventCreated", entry["type"])
	require.Equal(t, "1", entry["position"])
	require.Equal(t, adminID, entry["actor"])
	require.Equal(t, "request-1", entry["correlationId"])
	require.Equal(t, "A night", entry["data"].(map[string]any)["name"])
	require.Contains(t, entry["id"], "-0-1")

	second := a.auditPage(vars{"id": eventID, "first": 2, "after": first.end}, admin)
	require.Equal(t, []int{3, 4}, second.versions)
	require.True(t, second.previous)
	require.Equal(t, []int{1, 2}, a.auditPage(vars{"id": eventID, "last": 2, "before": second.start}, admin).versions)
	last := a.auditPage(vars{"id": eventID, "last": 3}, admin)
	require.Equal(t, []int{108, 109, 110}, last.versions)
	require.False(t, last.next)
	require.Len(t, a.auditPage(vars{"id": eventID}, admin).versions, 20)
	require.Len(t, a.auditPage(vars{"id": eventID, "first": 100}, admin).versions, 100, "the largest page")
	require.Empty(t, a.auditPage(vars{"id": id.New(id.Payment)}, admin).versions)
	require.Len(t, a.auditPage(vars{"id": eventID, "stream": "INVENTORY"}, admin).versions, 2, "an event has two histories")
}

func TestTheAuditLogIsForAdmins(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	v := vars{"id": id.New(id.Event)}
	require.Equal(t, "UNAUTHENTICATED", a.do(auditQuery, v).code())
	require.Equal(t, "FORBIDDEN", a.do(auditQuery, v, a.as(newUser())...).code())
	require.Equal(t, "FORBIDDEN", a.do(auditQuery, v, a.as(newUser(), auth.RoleOrganizer)...).code())
	admin := a.as(newUser(), auth.RoleAdmin)
	for _, wrong := range []vars{
		{"id": "nonsense"}, {"id": id.New(id.User)}, {"id": id.New(id.Reservation), "stream": "INVENTORY"}, {"id": v["id"], "first": 1, "last": 1},
		{"id": v["id"], "first": -1}, {"id": v["id"], "first": 101}, {"id": v["id"], "after": "nonsense"},
	} {
		require.Equal(t, "BAD_USER_INPUT", a.do(auditQuery, wrong, admin...).code(), wrong)
	}
}

func TestTheAccessLogShowsWhatAdminsDid(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	alice, adminID := newUser(), newUser()
	a.signIn(alice)
	admin := a.as(adminID, auth.RoleAdmin)
	require.Empty(t, a.do(grantMutation, vars{"id": alice}, admin...).Errors)
	require.Empty(t, a.do(revokeMutation, vars{"id": alice}, admin...).Errors)

	const log = `query($f: AccessLogFilter) { accessLog(filter: $f, last: 5) { nodes { id at action actor { id } user { id email } role } edges { cursor } } }`
	entries := a.do(log, vars{"f": vars{"userId": alice, "actorId": adminID}}, admin...).field(t, "accessLog")["nodes"].([]any)
	require.Len(t, entries, 2)
	for i, action := range []string{"ROLE_GRANTED", "ROLE_REVOKED"} {
		entry := entries[i].(map[string]any)
		require.Equal(t, action, entry["action"])
		require.Regexp(t, `^acc_\d+$`, entry["id"], "no object of another type has the same id")
		require.Equal(t, "ORGANIZER", entry["role"])
		require.Equal(t, map[string]any{"id": adminID}, entry["actor"])
		require.Equal(t, alice, entry["user"].(map[string]any)["id"])
	}
	require.Equal(t, "BAD_USER_INPUT", a.do(log, vars{"f": vars{"userId": id.New(id.Event)}}, admin...).code())
}
