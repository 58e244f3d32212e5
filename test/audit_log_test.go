package test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const auditLogQuery = `query($id: ID!, $stream: AuditStream! = EVENT, $first: Int, $after: String) {
	auditLog(id: $id, stream: $stream, first: $first, after: $after) {
		nodes { version position type recordedAt actor correlationId causationId traceparent data }
		pageInfo { hasNextPage endCursor }
	}
}`

type auditPage struct {
	AuditLog struct {
		Nodes []struct {
			Version                           int
			Position, Type                    string
			RecordedAt                        time.Time
			Actor, CorrelationID, CausationID string
			Traceparent                       *string
			Data                              map[string]any
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
	}
}

func TestAdminsReadTheAuditLog(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	a := playSale(t, s)
	var history auditPage
	a.organizer.mustExecute(auditLogQuery, vars{"id": a.paid}, &history)
	var types []string
	for i, entry := range history.AuditLog.Nodes {
		require.Equal(t, i+1, entry.Version)
		types = append(types, entry.Type)
	}
	require.Equal(t, []string{"ReservationInitiated", "PaymentRequested", "ReservationCompleted", "ReservationRefunded"}, types)
	first, last := history.AuditLog.Nodes[0], history.AuditLog.Nodes[3]
	require.Equal(t, a.alice.id, first.Actor)
	require.Equal(t, a.reserveRequest, first.CorrelationID)
	require.Equal(t, a.alice.id, first.Data["customerId"])
	require.Equal(t, "system:saga", last.Actor)
	require.Equal(t, a.cancelRequest, last.CorrelationID)
	require.NotEqual(t, last.CorrelationID, last.CausationID)

	for object, stream := range map[string]string{a.payment: "EVENT", a.eventID: "INVENTORY"} {
		a.organizer.mustExecute(auditLogQuery, vars{"id": object, "stream": stream}, &history)
		require.NotEmpty(t, history.AuditLog.Nodes)
	}
	var seen []int
	after := any(nil)
	for {
		var page auditPage
		a.organizer.mustExecute(auditLogQuery, vars{"id": a.eventID, "stream": "INVENTORY", "first": 2, "after": after}, &page)
		for _, entry := range page.AuditLog.Nodes {
			seen = append(seen, entry.Version)
		}
		if after = page.AuditLog.PageInfo.EndCursor; !page.AuditLog.PageInfo.HasNextPage {
			break
		}
	}
	require.Len(t, seen, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE stream_id = $1`, "inventory-"+a.eventID))
	require.IsIncreasing(t, seen)

	visitor := &client{t: t, url: s.url}
	require.Equal(t, "FORBIDDEN", a.alice.requireError(auditLogQuery, vars{"id": a.paid}), "not even one's own")
	require.Equal(t, "UNAUTHENTICATED", visitor.requireError(auditLogQuery, vars{"id": a.paid}))
}
