package projector_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"ticketing/command/event"
	"ticketing/internal/testenv"
	"ticketing/projector/readtest"
)

// deleteRecords deletes all records that the broker has, as its retention does.
func (p *pipeline) deleteRecords() {
	p.T.Helper()
	ends, err := p.admin.ListEndOffsets(p.T.Context(), testenv.Topics()...)
	require.NoError(p.T, err)
	deleted, err := p.admin.DeleteRecords(p.T.Context(), ends.Offsets())
	require.NoError(p.T, err)
	deleted.Each(func(r kadm.DeleteRecordsResponse) { require.NoError(p.T, r.Err) })
}

// The read tables are lost, and the broker no longer has most of what they held: they are filled from the log without an operator, also
// streams that nothing happens to.
func TestTablesAreFilledFromTheLogWhenTheBrokerDeletedRecords(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	p.Append("event-evt_1", readtest.Created("Jazz"), event.EventPublished{})
	for i := range 5 {
		p.sell(i)
	}
	stop := p.projectors()
	p.eventuallySold(5)
	p.eventuallyProjected()
	stop()
	p.deleteRecords()
	p.ExecRead(`TRUNCATE events, inventories, sections, seats, reservations, payments, projections,
		projection_checkpoints, projection_dead_letters, projection_backlog`)
	stop = p.projectors()
	p.sell(5)
	p.eventuallySold(6)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return p.Event("evt_1").Status == "PUBLISHED", "nothing happens to it" })
	p.eventuallyComplete()
	generations := p.generations()

	// What was read before it was deleted is no loss: nothing is filled again.
	p.eventuallyProjected()
	stop()
	p.deleteRecords()
	p.projectors()
	p.sell(6)
	p.eventuallySold(7)
	p.eventuallyComplete()
	require.Equal(t, generations, p.generations())
}

func (p *pipeline) eventuallyComplete() {
	p.T.Helper()
	testenv.Eventually(p.T, testenv.Patience, func() (bool, string) {
		var incomplete int
		require.NoError(p.T, p.cfg.Read.QueryRow(p.T.Context(), `SELECT count(*) FROM projections WHERE incomplete`).Scan(&incomplete))
		return incomplete == 0, "tables are incomplete"
	})
}

// generations returns how often the tables of each projection were filled.
func (p *pipeline) generations() (generations string) {
	p.T.Helper()
	require.NoError(p.T, p.cfg.Read.QueryRow(p.T.Context(),
		`SELECT string_agg(name || ' ' || generation, ', ' ORDER BY name) FROM projections`).Scan(&generations))
	return generations
}
