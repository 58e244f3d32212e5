package verify_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/relay/logtest"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/internal/verify"
)

func TestACleanSystemIsWhole(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.tell()
	p.project()
	r := p.verify()
	require.Empty(t, r.Findings)
	require.True(t, r.OK())
	require.Equal(t, map[string]int64{
		"events": 2, "inventories": 2, "sections": 6, "seats": 12, "reservations": 11, "payments": 8,
		"sale_reservations": 11, "sale_payments": 8, "sales": 5, "section_sales": 5,
		"customers": 7, "customer_streams": 19, "customer_spend": 2, "customer_history": 27,
	}, r.Rows)
	require.Equal(t, map[string]verify.Sum{"EUR": {Taken: 14100 + 7050 + 2500, Refunded: 7050, Due: 14100 + 2500}}, r.Money)
	var out strings.Builder
	r.Print(&out)
	require.Contains(t, out.String(), "0 broken, 0 differ, 0 behind")
}

func TestAnEmptySystemIsWhole(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	r := p.verify()
	require.Empty(t, r.Findings)
	require.True(t, r.OK())
}

func TestDisputesAreNoDifference(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.tell()
	log := logtest.Log{Pool: p.events, Registry: catalog.Registry()}
	for id, closed := range map[string][]any{
		"dp_open": nil, "dp_won": {payment.DisputeClosed{DisputeID: "dp_won", Won: true}}, "dp_lost": {payment.DisputeClosed{DisputeID: "dp_lost"}},
	} {
		log.Append(t, payment.Stream(s.payment), append([]any{payment.PaymentDisputed{DisputeID: id, Amount: money.Money{Minor: 100, Currency: "EUR"}}}, closed...)...)
	}
	p.project()
	require.Empty(t, p.verify().Findings)
}

func TestEveryTamperingWithTheReadTablesIsFound(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.tell()
	p.project()
	for name, tamper := range map[string]struct {
		statement     string
		arg           func(s story) string
		table, column string
		key           func(s story) string
		log, row      string
	}{
		"a row deleted": {
			`DELETE FROM reservations WHERE id = $1`, func(s story) string { return s.held },
			"reservations", "version", func(s story) string { return s.held }, "1", "no row",
		},
		"a row invented": {
			`INSERT INTO reservations SELECT 'rsv_ghost', version, event_id, customer_id, status, seats, total, currency, created_at, expires_at,
				completed_at, expired_at, cancelled_at, compensated_at, refunded_at, metadata FROM reservations WHERE id = $1`,
			func(s story) string { return s.held },
			"reservations", "version", func(story) string { return "rsv_ghost" }, "no stream", "1",
		},
		"an old row put back": {
			`UPDATE payments SET version = version - 1 WHERE id = $1`, func(s story) string { return s.payment },
			"payments", "version", func(s story) string { return s.payment }, "3", "2",
		},
		"a count changed": {
			`UPDATE sections SET available = available - 1, sold = sold + 1 WHERE event_id = $1 AND name = 'Floor'`,
			func(s story) string { return s.eventID },
			"sections", "sold", func(s story) string { return s.eventID + " Floor" }, "2", "3",
		},
		"a section deleted": {
			`DELETE FROM sections WHERE event_id = $1 AND name = 'Lawn'`, func(s story) string { return s.eventID },
			"sections", "", func(s story) string { return s.eventID + " Lawn" }, "a section", "no row",
		},
		"a seat flipped": {
			`UPDATE seats SET status = 'AVAILABLE' WHERE event_id = $1 AND label = 'A-1'`, func(s story) string { return s.eventID },
			"seats", "status", func(s story) string { return s.eventID + " Stalls A-1" }, "SOLD", "AVAILABLE",
		},
		"a seat deleted": {
			`DELETE FROM seats WHERE event_id = $1 AND label = 'B-2'`, func(s story) string { return s.eventID },
			"seats", "", func(s story) string { return s.eventID + " Stalls B-2" }, "AVAILABLE", "no row",
		},
		"seats of nobody's": {
			`UPDATE seats SET event_id = 'evt_ghost' WHERE event_id = $1`, func(s story) string { return s.eventID },
			"seats", "", func(story) string { return "evt_ghost Stalls B-2" }, "nothing", "a row of an event without inventory",
		},
		"an inventory deleted": {
			`DELETE FROM inventories WHERE event_id = $1`, func(s story) string { return s.eventID },
			"inventories", "version", func(s story) string { return s.eventID }, "16", "no row",
		},
		"a payment's amount changed": {
			`UPDATE payments SET amount = 14000 WHERE id = $1`, func(s story) string { return s.payment },
			"payments", "amount", func(s story) string { return s.payment }, "14100", "14000",
		},
		"a status changed": {
			`UPDATE reservations SET status = 'COMPLETED' WHERE id = $1`, func(s story) string { return s.held },
			"reservations", "status", func(s story) string { return s.held }, `"SEATS_RESERVED"`, `"COMPLETED"`,
		},
		"a time changed": {
			`UPDATE events SET starts_at = starts_at + interval '1 microsecond' WHERE id = $1`, func(s story) string { return s.eventID },
			"events", "starts_at", func(s story) string { return s.eventID }, `"2026-11-02T12:00:00+00:00"`, `"2026-11-02T12:00:00.000001+00:00"`,
		},
		"a word that is not found any more": {
			`UPDATE events SET search = ts_delete(search, 'arena') WHERE id = $1`, func(s story) string { return s.eventID },
			"events", "search", func(s story) string { return s.eventID },
			`["arena","etes","first","night","ou","vous"]`, `["etes", "first", "night", "ou", "vous"]`,
		},
		"a sale moved to another day": {
			`UPDATE sales SET day = day + 1 WHERE event_id = $1 AND section = 'Floor'`, func(s story) string { return s.eventID },
			"sales", "", func(s story) string { return s.eventID + " Floor 2026-11-01 EUR" }, "something was sold", "no row",
		},
		"a sale counted twice": {
			`UPDATE section_sales SET sold = sold + 2 WHERE event_id = $1 AND section = 'Floor'`, func(s story) string { return s.eventID },
			"section_sales", "sold", func(s story) string { return s.eventID + " Floor EUR" }, "2", "4",
		},
		"a refund taken from another section": {
			`UPDATE sale_reservations SET sections = jsonb_set(sections, '{0,refunded}', '1') WHERE event_id = $1 AND returned_at IS NOT NULL`,
			func(s story) string { return s.cancelledID },
			"sale_reservations", "sections, refunded of Stalls", func(s story) string { return s.refunded }, "4550", "1",
		},
		"a sale's price changed": {
			`UPDATE sale_reservations SET sections = jsonb_set(sections, '{0,gross}', '1') WHERE id = $1`, func(s story) string { return s.held },
			"sale_reservations", "sections", func(s story) string { return s.held },
			`[{"section":"Stalls","tickets":1,"gross":4550}]`, `[{"gross": 1, "section": "Stalls", "tickets": 1}]`,
		},
		"a refund forgotten": {
			`UPDATE sale_payments SET refunds = '[]' WHERE event_id = $1`, func(s story) string { return s.cancelledID },
			"section_sales", "refunded", func(s story) string { return s.cancelledID + " Stalls EUR" }, "0", "4550",
		},
		"a customer deleted": {
			`DELETE FROM customers WHERE id = $1`, func(story) string { return "usr_alice" },
			"customers", "", func(story) string { return "usr_alice" }, "a customer", "no row",
		},
		"a customer of nothing": {
			`INSERT INTO customers SELECT 'usr_ghost', reservations, completed, returned, tickets, first_seen, last_seen FROM customers WHERE id = $1`,
			func(story) string { return "usr_alice" },
			"customers", "", func(story) string { return "usr_ghost" }, "nothing", "a customer without streams",
		},
		"a customer's tickets": {
			`UPDATE customers SET tickets = tickets + 1 WHERE id = $1`, func(story) string { return "usr_grace" },
			"customers", "tickets", func(story) string { return "usr_grace" }, "2", "3",
		},
		"a customer's spend": {
			`UPDATE customer_spend SET spent = 0 WHERE customer_id = $1`, func(story) string { return "usr_alice" },
			"customer_spend", "spent", func(story) string { return "usr_alice EUR" }, "21150", "0",
		},
		"a stream of somebody else's": {
			`UPDATE customer_streams SET customer_id = 'usr_bob' WHERE id = $1`, func(s story) string { return reservation.Stream(s.held) },
			"customer_streams", "customer_id", func(s story) string { return reservation.Stream(s.held) }, `"usr_carol"`, `"usr_bob"`,
		},
		"a seat sold dearer": {
			`UPDATE reservations SET seats = jsonb_set(seats, '{0,price,minor}', '1') WHERE id = $1`, func(s story) string { return s.held },
			"reservations", "seats", func(s story) string { return s.held },
			`[{"section":"Stalls","label":"B-1","price":{"minor":4550,"currency":"EUR"}}]`,
			`[{"label": "B-1", "price": {"minor": 1, "currency": "EUR"}, "section": "Stalls"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer p.rebuild()
			p.exec(p.read, tamper.statement, tamper.arg(s))
			r := p.verify()
			require.False(t, r.OK())
			require.Zero(t, r.Counts[verify.Broken], "%v", r.Findings)
			f := requireFound(t, r, verify.Differs, tamper.table, tamper.key(s), tamper.column)
			require.Equal(t, [2]string{tamper.log, tamper.row}, [2]string{f.Log, f.Row})
		})
	}
}

func TestHistoryThatTheLogDoesNotTellIsFound(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.tell()
	p.project()
	for name, statement := range map[string]string{
		"changed":     `UPDATE customer_history SET amount = amount + 1 WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
		"deleted":     `DELETE FROM customer_history WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
		"at one time": `UPDATE customer_history SET at = at + interval '1 microsecond' WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
		"made up": `INSERT INTO customer_history SELECT customer_id, position + 1000, at, kind, event_id, reservation_id, payment_id, tickets, amount, currency
			FROM customer_history WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
	} {
		t.Run(name, func(t *testing.T) {
			defer p.rebuild()
			p.exec(p.read, statement, s.completed)
			r := p.verify()
			require.Equal(t, map[verify.Kind]int{verify.Differs: 1}, r.Counts, "%v", r.Findings)
			requireFound(t, r, verify.Differs, "customer_history", "usr_alice "+payment.Stream(s.payment), "")
		})
	}
}

func TestEveryTamperingWithTheLogIsFound(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.tell()
	p.project()
	p.exec(p.events, `CREATE TABLE untouched AS TABLE domain_events`)
	const drop = `DELETE FROM domain_events WHERE stream_id = $1 AND version = `
	for name, tamper := range map[string]struct {
		statement string
		arg       func(s story) string
		says      string
	}{
		"a domain event removed":            {drop + `2`, func(s story) string { return payment.Stream(s.payment) }, "version 3 follows 1: there is a gap"},
		"the last of a stream removed":      {drop + `3`, func(s story) string { return payment.Stream(s.payment) }, "comes before it: there is a gap"},
		"a reservation without its seats":   {`DELETE FROM domain_events WHERE data->>'reservationId' = $1 AND type = 'SeatsReserved'`, func(s story) string { return s.held }, "there is a gap"},
		"a type that nobody knows":          {`UPDATE domain_events SET type = 'Nonsense' WHERE stream_id = $1 AND version = 1`, func(s story) string { return reservation.Stream(s.held) }, "is unknown to this build"},
		"a schema version of the future":    {`UPDATE domain_events SET schema_version = 99 WHERE stream_id = $1 AND version = 1`, func(s story) string { return reservation.Stream(s.held) }, "is unknown to this build"},
		"a stream of nothing":               {`UPDATE domain_events SET stream_id = 'nothing-1' WHERE stream_id = $1`, func(s story) string { return reservation.Stream(s.held) }, "no known category"},
		"another's domain event":            {`UPDATE domain_events SET type = 'SalesOpened' WHERE stream_id = $1 AND version = 2`, func(s story) string { return payment.Stream(s.payment) }, "SalesOpened can't stand there"},
		"a seat with two holders":           {`UPDATE domain_events SET data = replace(data::text, 'B-1', 'A-1')::json WHERE stream_id LIKE 'inventory-%' AND data->>'reservationId' = $1`, func(s story) string { return s.held }, `seat "A-1" of section "Stalls" is not AVAILABLE`},
		"another seat than was reserved":    {`UPDATE domain_events SET data = replace(data::text, 'B-1', 'A-3')::json WHERE stream_id LIKE 'inventory-%' AND data->>'reservationId' = $1`, func(s story) string { return s.held }, "it has Stalls B-1, and in the inventory Stalls A-3"},
		"another customer's seats":          {`UPDATE domain_events SET data = replace(data::text, 'usr_carol', 'usr_dan')::json WHERE stream_id LIKE 'inventory-%' AND data->>'reservationId' = $1`, func(s story) string { return s.held }, "it is usr_carol's, and in the inventory usr_dan's"},
		"more than there are":               {`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{items,0,quantity}', '21')::json WHERE type = 'SeatsReserved' AND data->>'reservationId' <> $1`, func(s story) string { return s.completed }, "reserved and"},
		"less money taken than it costs":    {`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{amount,minor}', '1')::json WHERE stream_id = $1 AND version = 1`, func(s story) string { return payment.Stream(s.payment) }, "141.00 EUR of usr_alice"},
		"a ticket that nobody paid":         {`UPDATE domain_events SET type = 'PaymentFailed' WHERE stream_id = $1 AND version = 3`, func(s story) string { return payment.Stream(s.payment) }, "it is COMPLETED, and its payment is FAILED"},
		"a total that is not that of seats": {`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{total,minor}', '1')::json WHERE stream_id = $1 AND version = 1`, func(s story) string { return reservation.Stream(s.held) }, "its seats cost 4550 and its total is 1"},
		"a refund that never was":           {`UPDATE domain_events SET type = 'RefundFailed' WHERE type = 'PaymentRefunded' AND $1 <> ''`, func(s story) string { return s.eventID }, "its reservation is refunded"},
	} {
		t.Run(name, func(t *testing.T) {
			p.exec(p.events, `DELETE FROM domain_events`)
			p.exec(p.events, `INSERT INTO domain_events TABLE untouched`)
			p.exec(p.events, tamper.statement, tamper.arg(s))
			r := p.verify()
			require.NotZero(t, r.Counts[verify.Broken])
			var out strings.Builder
			r.Print(&out)
			require.Contains(t, out.String(), tamper.says)
		})
	}
}

func TestACancelledEventMayStillBeWoundUp(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	eventID := p.onSale("First night")
	held, sold := p.reserve("usr_alice", eventID, best("Floor", 1)), p.reserve("usr_bob", eventID, named("Stalls", "A-1"))
	p.pay("usr_bob", sold, "pm_card_visa", payment.Completed)
	_, err := p.CancelEvent(t.Context(), organizer, eventID, "rain")
	require.NoError(t, err)
	p.project()
	require.Empty(t, p.verify().Findings, "the saga has not come to it")

	p.exec(p.events, `UPDATE saga_cursor SET position = (SELECT max(position) FROM domain_events)`)
	p.exec(p.events, `INSERT INTO river_job (kind, args) VALUES ('event_cancelled', jsonb_build_object('event_id', $1::text))`, eventID)
	require.Empty(t, p.verify().Findings, "the saga is at it")

	p.exec(p.events, `DELETE FROM river_job`)
	r := p.verify()
	require.Equal(t, 2, r.Counts[verify.Broken], "%v", r.Findings)
	require.Contains(t, requireFound(t, r, verify.Broken, "", reservation.Stream(held), "").Text, "cancelled and wound up")
	require.Contains(t, requireFound(t, r, verify.Broken, "", reservation.Stream(sold), "").Text, "no refund was requested")
}

func TestRowsThatMayStillComeAreBehind(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.tell()
	p.project()
	// The log goes on, and nobody has published it.
	_, err := p.OpenSales(t.Context(), organizer, s.eventID)
	require.NoError(t, err)
	fresh := p.reserve("usr_heidi", s.eventID, best("Floor", 1))
	r := p.verify()
	require.True(t, r.OK(), "%v", r.Findings)
	require.Equal(t, map[verify.Kind]int{verify.Behind: 5}, r.Counts)
	f := requireFound(t, r, verify.Behind, "reservations", fresh, "version")
	require.Equal(t, "no row", f.Row)
	requireFound(t, r, verify.Behind, "inventories", s.eventID, "version")
	requireFound(t, r, verify.Behind, "events", s.eventID, "version")

	// What waits behind a dead letter is behind, however far its projection is.
	p.exec(p.events, `UPDATE relay_cursor SET position = position + 3`)
	p.exec(p.read, `INSERT INTO projection_dead_letters (projection, stream_id, version, waiting_version, position, type, error)
		VALUES ('availability', $1, 1, 1, 1, '', '')`, inventory.Stream(s.eventID))
	r = p.verify()
	require.Equal(t, map[verify.Kind]int{verify.Behind: 1, verify.Differs: 4}, r.Counts, "%v", r.Findings)
	require.Contains(t, requireFound(t, r, verify.Behind, "inventories", s.eventID, "version").Row, "dead letter")
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.onSale("First night")
	p.project()
	p.exec(p.read, `UPDATE seats SET ordinal = ordinal + 100`)
	p.exec(p.read, `UPDATE sections SET price = price + 1, currency = 'USD', ordinal = ordinal + 10, seated = NOT seated, capacity = capacity + 1, available = available + 1`)
	r := p.verify()
	require.Equal(t, 6+3*6, r.Counts[verify.Differs])
	require.Len(t, r.Findings, 20)
	var out strings.Builder
	r.Print(&out)
	require.Contains(t, out.String(), "and 4 more")
	require.Less(t, strings.Count(out.String(), "\n"), 40)
}
