package audit_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/audit"
	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/command/saga"
)

// auditLog audits the whole log, as far as the saga has wound up events.
func auditLog(t *testing.T, s *commandtest.Story) *audit.Report {
	t.Helper()
	windingUp, err := saga.ReadWindingUp(t.Context(), s.Pool)
	require.NoError(t, err)
	head, err := eventstore.ReadHead(t.Context(), s.Pool)
	require.NoError(t, err)
	report, log := audit.NewReport(20), audit.New(audit.Config{Registry: catalog.Registry()})
	require.NoError(t, log.Read(t.Context(), s.Pool, head.Position, report))
	log.Check(windingUp, report)
	return report
}

func exec(t *testing.T, s *commandtest.Story, statement string, args ...any) {
	t.Helper()
	_, err := s.Pool.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
}

func TestASoundLogHasNoFindings(t *testing.T) {
	t.Parallel()
	s := commandtest.NewStory(t, "")
	require.True(t, auditLog(t, s).OK(), "an empty log")
	s.Tell()
	report := auditLog(t, s)
	require.Empty(t, report.Findings)
	require.True(t, report.OK())
	require.Equal(t, map[string]audit.Sum{"EUR": {Taken: 14100 + 7050 + 2500, Refunded: 7050, Due: 14100 + 2500}}, report.Money)
}

func TestEveryTamperingWithTheLogIsFound(t *testing.T) {
	t.Parallel()
	s := commandtest.NewStory(t, "")
	s.Tell()
	exec(t, s, `CREATE TABLE untouched AS TABLE domain_events`)
	const (
		drop      = `DELETE FROM domain_events WHERE stream_id = $1 AND version = `
		ofFirst   = ` WHERE stream_id = $1 AND version = 1`
		ofSeats   = ` WHERE stream_id LIKE 'inventory-%' AND data->>'reservationId' = $1`
		setMinor1 = `,minor}', '1')::json`
	)
	held, paid := reservation.Stream(s.Held), payment.Stream(s.Payment)
	for name, tamper := range map[string]struct{ statement, arg, want string }{
		"a domain event removed":                {drop + `2`, paid, "version 3 follows 1: there is a gap"},
		"the last of a stream removed":          {drop + `3`, paid, "comes before it: there is a gap"},
		"a reservation without its seats":       {`DELETE FROM domain_events WHERE data->>'reservationId' = $1 AND type = 'SeatsReserved'`, s.Held, "there is a gap"},
		"an unknown type":                       {`UPDATE domain_events SET type = 'Nonsense'` + ofFirst, held, "is unknown to this build"},
		"a schema version of the future":        {`UPDATE domain_events SET schema_version = 99` + ofFirst, held, "is unknown to this build"},
		"an unknown category":                   {`UPDATE domain_events SET stream_id = 'nothing-1' WHERE stream_id = $1`, held, "no known category"},
		"a domain event of another aggregate":   {`UPDATE domain_events SET type = 'SalesOpened' WHERE stream_id = $1 AND version = 2`, paid, "can't be a SalesOpened"},
		"a seat with two holders":               {`UPDATE domain_events SET data = replace(data::text, 'B-1', 'A-1')::json` + ofSeats, s.Held, `seat "A-1" of section "Stalls" is not AVAILABLE`},
		"another seat than was reserved":        {`UPDATE domain_events SET data = replace(data::text, 'B-1', 'A-3')::json` + ofSeats, s.Held, "it has Stalls B-1, and in the inventory Stalls A-3"},
		"another customer's seats":              {`UPDATE domain_events SET data = replace(data::text, 'usr_carol', 'usr_dan')::json` + ofSeats, s.Held, "it is usr_carol's, and in the inventory usr_dan's"},
		"more seats than the section has":       {`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{items,0,quantity}', '21')::json WHERE type = 'SeatsReserved' AND data->>'reservationId' <> $1`, s.Completed, "reserved and"},
		"less money taken than the price":       {`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{amount` + setMinor1 + ofFirst, paid, "141.00 EUR of usr_alice"},
		"an unpaid ticket":                      {`UPDATE domain_events SET type = 'PaymentFailed' WHERE stream_id = $1 AND version = 3`, paid, "it is COMPLETED, and its payment is FAILED"},
		"a total that is not that of the seats": {`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{total` + setMinor1 + ofFirst, held, "its seats cost 4550 and its total is 1"},
		"a refund that never was":               {`UPDATE domain_events SET type = 'RefundFailed' WHERE type = 'PaymentRefunded' AND $1 <> ''`, s.EventID, "its reservation is refunded"},
	} {
		t.Run(name, func(t *testing.T) {
			exec(t, s, `DELETE FROM domain_events`)
			exec(t, s, `INSERT INTO domain_events TABLE untouched`)
			exec(t, s, tamper.statement, tamper.arg)
			report := auditLog(t, s)
			require.False(t, report.OK())
			require.Contains(t, fmt.Sprint(report.Findings), tamper.want)
		})
	}
}

func TestACancelledEventMayStillBeWoundUp(t *testing.T) {
	t.Parallel()
	s := commandtest.NewStory(t, "")
	eventID := s.MakeEvent("First night")
	held := s.ReserveFor("usr_alice", eventID, commandtest.Tickets("Floor", 1))
	sold := s.ReserveFor("usr_bob", eventID, commandtest.Seats("Stalls", "A-1"))
	s.PayFor("usr_bob", sold, "pm_card_visa", payment.Completed)
	_, err := s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "rain")
	require.NoError(t, err)
	require.Empty(t, auditLog(t, s).Findings, "the saga has not followed the log to the cancellation")

	s.SagaFollows()
	exec(t, s, `INSERT INTO river_job (kind, args) VALUES ('event_cancelled', jsonb_build_object('event_id', $1::text))`, eventID)
	require.Empty(t, auditLog(t, s).Findings, "the saga's job is not done")

	exec(t, s, `DELETE FROM river_job`)
	require.ElementsMatch(t, []audit.Finding{
		{Key: reservation.Stream(held), Text: "it is SEATS_RESERVED, and its event was cancelled and wound up"},
		{Key: reservation.Stream(sold), Text: "its event was cancelled and wound up, and no refund was requested"},
	}, auditLog(t, s).Findings)
}

func TestAPaymentMayBeOvertakenByOneThatIsChargedLate(t *testing.T) {
	t.Parallel()
	s := commandtest.NewStory(t, "")
	r := s.ReserveFor("usr_alice", s.MakeEvent("First night"), commandtest.Tickets("Floor", 1))
	declined := s.PayFor("usr_alice", r, "pm_card_chargeDeclined", payment.Failed)
	s.PayFor("usr_alice", r, "pm_card_authenticationRequired", payment.RequiresAction)
	exec(t, s, `UPDATE sandbox_payments SET status = 'succeeded' WHERE payment_id = $1`, declined)
	require.NoError(t, s.RecordWebhook(t.Context(), commandtest.Part("webhook"), command.Hint{Gateway: "sandbox", PaymentID: declined}))
	require.Empty(t, auditLog(t, s).Findings)
}
