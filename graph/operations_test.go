package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestAdminsSeeHowFarProjectionsAre(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.exec(`INSERT INTO projections (name, generation, incarnation) VALUES ('sales', 2, 'inc')`)
	a.openDraft(a.as(newUser(), auth.RoleOrganizer)) // one domain event, which no relay publishes
	got := a.do(`{ projectionStatus { name generation deadLetters lagRecords lagSeconds unpublished partitions { topic partition position lagRecords lagSeconds } } }`,
		nil, a.as(newUser(), auth.RoleAdmin)...)
	require.Empty(t, got.Errors, got.body)
	require.Contains(t, got.body, `"name":"sales","generation":2,"deadLetters":0,"lagRecords":1,`)
	require.Contains(t, got.body, `"unpublished":1,"partitions":[]`)
}
