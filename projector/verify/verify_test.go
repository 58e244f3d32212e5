package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/audit"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
	"ticketing/projector/verify"
)

func TestACleanSystemHasNoFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	w.project()
	r := w.verify()
	require.Empty(t, r.Findings)
	require.True(t, r.OK())
	require.Equal(t, map[string]int64{
		"events": 2, "inventories": 2, "sections": 6, "seats": 12, "reservations": 11, "payments": 8,
		"sale_reservations": 11, "sale_payments": 8, "sales": 5, "section_sales": 5,
		"customers": 7, "customer_streams": 19, "customer_spend": 2, "customer_history": 27,
	}, r.Rows)
	require.Equal(t, map[string]audit.Sum{"EUR": {Taken: 14100 + 7050 + 2500, Refunded: 7050, Due: 14100 + 2500}}, r.Audit.Money)
	var out strings.Builder
	r.Print(&out)
	require.Contains(t, out.String(), "0 broken, 0 differ, 0 dead, 0 behind")
}

func TestAnEmptySystemHasNoFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.verify()
	require.Empty(t, r.Findings)
	require.True(t, r.OK())
}

// A reservation is counted by the days of the time zone that its event had then, its refund too, also when the event moves to another.
func TestSalesAreCountedByTheDaysOfTheirEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clock := testenv.NewStoppedClock(t, w.Pool.Config().ConnString(), time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC)) // the 2nd in Tokyo
	eventID := w.OnSale(t, event.Create{TimeZone: "Asia/Tokyo", StartsAt: clock.Now().Add(1000 * time.Hour)})
	ann, bob := commandtest.User("usr_ann"), commandtest.User("usr_bob")
	paid := w.Pay(t, ann, w.Reserve(t, ann, eventID, commandtest.Tickets("Floor", 1)).ID, "pm_card_visa")

	newYork := "America/New_York"
	_, err := w.UpdateEvent(t.Context(), commandtest.Organizer, eventID, event.Update{TimeZone: &newYork})
	require.NoError(t, err)
	clock.Move(12*time.Hour + 30*time.Minute) // half past 11 in New York, on the day on which the clocks went back
	w.Pay(t, bob, w.Reserve(t, bob, eventID, commandtest.Tickets("Floor", 2)).ID, "pm_card_visa")
	clock.Move(12 * time.Hour) // the 3rd in Tokyo
	refund, err := w.RefundPayment(t.Context(), commandtest.Organizer, command.RefundPayment{PaymentID: paid.ID})
	require.NoError(t, err)
	require.NoError(t, w.ExecuteRefund(t.Context(), commandtest.Part("saga"), paid.ID, refund.Refund.ID))

	w.project()
	var days string
	require.NoError(t, w.read.QueryRow(t.Context(), `SELECT string_agg(format('%s: %s sold, %s returned, %s refunded', day, sold, returned, refunded), '; ' ORDER BY day)
		FROM sales WHERE event_id = $1`, eventID).Scan(&days))
	require.Equal(t, "2026-11-01: 2 sold, 0 returned, 0 refunded; 2026-11-02: 1 sold, 0 returned, 0 refunded; 2026-11-03: 0 sold, 1 returned, 2000 refunded", days)
	require.Empty(t, w.verify().Findings)
	w.exec(w.read, `UPDATE sale_reservations SET time_zone = 'UTC' WHERE time_zone = 'Asia/Tokyo'`)
	require.False(t, w.verify().OK())
}

func TestDisputesAreNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	for id, closed := range map[string][]any{
		"dp_open": nil, "dp_won": {payment.DisputeClosed{DisputeID: "dp_won", Won: true}}, "dp_lost": {payment.DisputeClosed{DisputeID: "dp_lost"}},
	} {
		w.log.Append(t, payment.Stream(w.Payment), append([]any{payment.PaymentDisputed{DisputeID: id, Amount: money.Money{Minor: 100, Currency: "EUR"}}}, closed...)...)
	}
	w.project()
	require.Empty(t, w.verify().Findings)
}

func TestRefundsOfSingleTicketsAreNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	saga := commandtest.Part("saga")
	refund := func(in command.RefundPayment) string {
		in.PaymentID = w.Payment
		refunding, err := w.RefundPayment(t.Context(), commandtest.Organizer, in)
		require.NoError(t, err)
		require.NoError(t, w.ExecuteRefund(t.Context(), saga, w.Payment, refunding.Refund.ID))
		return refunding.Refund.ID
	}
	w.project()
	refund(command.RefundPayment{Amount: &money.Money{Minor: 50_00, Currency: "EUR"}}) // spread, so that less is left of each ticket
	for _, ordinal := range []int{0, 3} {
		refundID := refund(command.RefundPayment{Tickets: []string{id.Ticket(w.Completed, ordinal)}})
		w.rebuild()
		require.Empty(t, w.verify().Findings)
		if ordinal == 0 {
			continue
		}
		w.exec(w.Pool, `UPDATE sandbox_refunds SET status = 'failed', reason = 'account closed' WHERE refund_id = $1`, refundID)
		require.NoError(t, w.RecordWebhook(t.Context(), commandtest.Part("webhook"), command.Hint{Gateway: "sandbox", PaymentID: w.Payment, Reversals: true}))
		w.rebuild()
		require.Empty(t, w.verify().Findings, "the money came back")
	}
}

func TestEveryTamperingWithTheReadTablesIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	w.project()
	for name, tamper := range map[string]struct {
		statement     string
		arg           func(w *world) string
		table, column string
		key           func(w *world) string
		log, row      string
	}{
		"a row deleted": {
			`DELETE FROM reservations WHERE id = $1`, func(w *world) string { return w.Held },
			"reservations", "version", func(w *world) string { return w.Held }, "1", "no row",
		},
		"a row invented": {
			`INSERT INTO reservations SELECT 'rsv_ghost', version, event_id, customer_id, status, seats, total, currency, created_at, expires_at,
				completed_at, expired_at, cancelled_at, compensated_at, refunded_at, metadata FROM reservations WHERE id = $1`,
			func(w *world) string { return w.Held },
			"reservations", "version", func(*world) string { return "rsv_ghost" }, "no stream", "1",
		},
		"an old row put back": {
			`UPDATE payments SET version = version - 1 WHERE id = $1`, func(w *world) string { return w.Payment },
			"payments", "version", func(w *world) string { return w.Payment }, "3", "2",
		},
		"a count changed": {
			`UPDATE sections SET available = available - 1, sold = sold + 1 WHERE event_id = $1 AND name = 'Floor'`,
			func(w *world) string { return w.EventID },
			"sections", "sold", func(w *world) string { return w.EventID + " Floor" }, "2", "3",
		},
		"a section deleted": {
			`DELETE FROM sections WHERE event_id = $1 AND name = 'Lawn'`, func(w *world) string { return w.EventID },
			"sections", "", func(w *world) string { return w.EventID + " Lawn" }, "a section", "no row",
		},
		"a seat flipped": {
			`UPDATE seats SET status = 'AVAILABLE' WHERE event_id = $1 AND label = 'A-1'`, func(w *world) string { return w.EventID },
			"seats", "status", func(w *world) string { return w.EventID + " Stalls A-1" }, "SOLD", "AVAILABLE",
		},
		"a seat unblocked": {
			`UPDATE seats SET status = 'AVAILABLE' WHERE event_id = $1 AND label = 'A-4'`, func(w *world) string { return w.EventID },
			"seats", "status", func(w *world) string { return w.EventID + " Stalls A-4" }, "BLOCKED", "AVAILABLE",
		},
		"a seat's mark taken away": {
			`UPDATE seats SET accessible = false WHERE event_id = $1 AND label = 'A-3'`, func(w *world) string { return w.EventID },
			"seats", "accessible, restricted_view", func(w *world) string { return w.EventID + " Stalls A-3" }, "true, false", "false, false",
		},
		"a row moved": {
			`UPDATE seats SET layout = '{0,1.5,0}' WHERE event_id = $1 AND label = 'A-1'`, func(w *world) string { return w.EventID },
			"seats", "layout", func(w *world) string { return w.EventID + " Stalls A-1" }, "[-0.5 1.5 20]", "[0 1.5 0]",
		},
		"a seat deleted": {
			`DELETE FROM seats WHERE event_id = $1 AND label = 'C-9'`, func(w *world) string { return w.EventID },
			"seats", "", func(w *world) string { return w.EventID + " Stalls C-9" }, "AVAILABLE", "no row",
		},
		"seats of no event": {
			`UPDATE seats SET event_id = 'evt_ghost' WHERE event_id = $1`, func(w *world) string { return w.EventID },
			"seats", "", func(*world) string { return "evt_ghost Stalls C-9" }, "nothing", "a row of an event without inventory",
		},
		"an inventory deleted": {
			`DELETE FROM inventories WHERE event_id = $1`, func(w *world) string { return w.EventID },
			"inventories", "version", func(w *world) string { return w.EventID }, "17", "no row",
		},
		"a payment's amount changed": {
			`UPDATE payments SET amount = 14000 WHERE id = $1`, func(w *world) string { return w.Payment },
			"payments", "amount", func(w *world) string { return w.Payment }, "14100", "14000",
		},
		"a status changed": {
			`UPDATE reservations SET status = 'COMPLETED' WHERE id = $1`, func(w *world) string { return w.Held },
			"reservations", "status", func(w *world) string { return w.Held }, `"SEATS_RESERVED"`, `"COMPLETED"`,
		},
		"a time changed": {
			`UPDATE events SET starts_at = starts_at + interval '1 microsecond' WHERE id = $1`, func(w *world) string { return w.EventID },
			"events", "starts_at", func(w *world) string { return w.EventID }, `"2026-11-02T12:00:00Z"`, `"2026-11-02T12:00:00.000001Z"`,
		},
		"a search word removed": {
			`UPDATE events SET search = ts_delete(search, 'arena') WHERE id = $1`, func(w *world) string { return w.EventID },
			"events", "search", func(w *world) string { return w.EventID },
			`["arena","etes","first","night","ou","vous"]`, `["etes","first","night","ou","vous"]`,
		},
		"a sale moved to another day": {
			`UPDATE sales SET day = day + 1 WHERE event_id = $1 AND section = 'Floor'`, func(w *world) string { return w.EventID },
			"sales", "", func(w *world) string { return w.EventID + " Floor 2026-11-01 EUR" }, "something was sold", "no row",
		},
		"a sale counted twice": {
			`UPDATE section_sales SET sold = sold + 2 WHERE event_id = $1 AND section = 'Floor'`, func(w *world) string { return w.EventID },
			"section_sales", "sold", func(w *world) string { return w.EventID + " Floor EUR" }, "2", "4",
		},
		"a refund taken from another section": {
			`UPDATE sale_reservations SET sections = jsonb_set(sections, '{0,refunded}', '1') WHERE event_id = $1 AND returned_at IS NOT NULL`,
			func(w *world) string { return w.CancelledID },
			"sale_reservations", "sections, refunded of Stalls", func(w *world) string { return w.Refunded }, "4550", "1",
		},
		"a sale's price changed": {
			`UPDATE sale_reservations SET sections = jsonb_set(sections, '{0,gross}', '1') WHERE id = $1`, func(w *world) string { return w.Held },
			"sale_reservations", "sections", func(w *world) string { return w.Held },
			`[{"section":"Stalls","tickets":1,"gross":4550,"refunded":0}]`, `[{"section":"Stalls","tickets":1,"gross":1,"refunded":0}]`,
		},
		"a refund forgotten": {
			`UPDATE sale_payments SET refunds = '[]' WHERE event_id = $1`, func(w *world) string { return w.CancelledID },
			"section_sales", "refunded", func(w *world) string { return w.CancelledID + " Stalls EUR" }, "0", "4550",
		},
		"a customer deleted": {
			`DELETE FROM customers WHERE id = $1`, func(*world) string { return "usr_alice" },
			"customers", "", func(*world) string { return "usr_alice" }, "a customer", "no row",
		},
		"a customer of nothing": {
			`INSERT INTO customers SELECT 'usr_ghost', reservations, completed, returned, tickets, first_seen, last_seen FROM customers WHERE id = $1`,
			func(*world) string { return "usr_alice" },
			"customers", "", func(*world) string { return "usr_ghost" }, "nothing", "a customer without streams",
		},
		"a customer's tickets": {
			`UPDATE customers SET tickets = tickets + 1 WHERE id = $1`, func(*world) string { return "usr_grace" },
			"customers", "tickets", func(*world) string { return "usr_grace" }, "2", "3",
		},
		"a customer's spend": {
			`UPDATE customer_spend SET spent = 0 WHERE customer_id = $1`, func(*world) string { return "usr_alice" },
			"customer_spend", "spent", func(*world) string { return "usr_alice EUR" }, "21150", "0",
		},
		"a stream of another customer": {
			`UPDATE customer_streams SET customer_id = 'usr_bob' WHERE id = $1`, func(w *world) string { return reservation.Stream(w.Held) },
			"customer_streams", "customer_id", func(w *world) string { return reservation.Stream(w.Held) }, `"usr_carol"`, `"usr_bob"`,
		},
		"a seat sold dearer": {
			`UPDATE reservations SET seats = jsonb_set(seats, '{0,price,minor}', '1') WHERE id = $1`, func(w *world) string { return w.Held },
			"reservations", "seats", func(w *world) string { return w.Held },
			`[{"section":"Stalls","label":"B-1","price":{"minor":4550,"currency":"EUR"}}]`,
			`[{"label":"B-1","price":{"minor":1,"currency":"EUR"},"section":"Stalls"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer w.rebuild()
			w.exec(w.read, tamper.statement, tamper.arg(w))
			r := w.verify()
			require.False(t, r.OK())
			require.Zero(t, r.Counts[verify.Broken], "%v", r.Findings)
			f := requireFound(t, r, verify.Differs, tamper.table, tamper.key(w), tamper.column)
			require.Equal(t, [2]string{tamper.log, tamper.row}, [2]string{f.Log, f.Row})
		})
	}
}

func TestHistoryThatTheLogDoesNotTellIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	w.project()
	for name, statement := range map[string]string{
		"changed":     `UPDATE customer_history SET amount = amount + 1 WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
		"deleted":     `DELETE FROM customer_history WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
		"at one time": `UPDATE customer_history SET at = at + interval '1 microsecond' WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
		"made up": `INSERT INTO customer_history SELECT customer_id, position + 1000, at, kind, event_id, reservation_id, payment_id, tickets, amount, currency
			FROM customer_history WHERE reservation_id = $1 AND payment_id IS NOT NULL`,
	} {
		t.Run(name, func(t *testing.T) {
			defer w.rebuild()
			w.exec(w.read, statement, w.Completed)
			r := w.verify()
			require.Equal(t, map[verify.Kind]int{verify.Differs: 1}, r.Counts, "%v", r.Findings)
			requireFound(t, r, verify.Differs, "customer_history", "usr_alice "+payment.Stream(w.Payment), "")
		})
	}
}

func TestRowsThatMayStillComeAreBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	w.project()
	// The log goes on, and is not published.
	_, err := w.OpenSales(t.Context(), commandtest.Organizer, w.EventID)
	require.NoError(t, err)
	fresh := w.ReserveFor("usr_heidi", w.EventID, commandtest.Tickets("Floor", 1))
	r := w.verify()
	require.False(t, r.Wrong(), "%v", r.Findings)
	require.False(t, r.OK(), "behind is a failure of its own")
	require.Equal(t, map[verify.Kind]int{verify.Behind: 5}, r.Counts)
	f := requireFound(t, r, verify.Behind, "reservations", fresh, "version")
	require.Equal(t, "no row", f.Row)
	requireFound(t, r, verify.Behind, "inventories", w.EventID, "version")
	requireFound(t, r, verify.Behind, "events", w.EventID, "version")

	// What waits behind a dead letter is behind, however far its projection is.
	w.exec(w.Pool, `UPDATE relay_cursor SET position = position + 3`)
	w.exec(w.read, `INSERT INTO projection_dead_letters (projection, stream_id, version, waiting_version, position, type, error)
		VALUES ('availability', $1, 1, 1, 1, '', '')`, inventory.Stream(w.EventID))
	r = w.verify()
	require.Equal(t, map[verify.Kind]int{verify.Behind: 1, verify.Differs: 4, verify.Dead: 1}, r.Counts, "%v", r.Findings)
	requireFound(t, r, verify.Dead, "availability", inventory.Stream(w.EventID), "")
	require.Contains(t, requireFound(t, r, verify.Behind, "inventories", w.EventID, "version").Row, "dead letter")
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.MakeEvent("First night")
	w.project()
	w.exec(w.read, `UPDATE seats SET ordinal = ordinal + 100`)
	w.exec(w.read, `UPDATE sections SET price = price + 1, currency = 'USD', ordinal = ordinal + 10, seated = NOT seated, capacity = capacity + 1, available = available + 1`)
	r := w.verify()
	require.Equal(t, 6+3*6, r.Counts[verify.Differs])
	require.Len(t, r.Findings, 20)
	var out strings.Builder
	r.Print(&out)
	require.Contains(t, out.String(), "and 4 more")
	require.Less(t, strings.Count(out.String(), "\n"), 40)
}

// Whatever the tables hold: while they show another incarnation of the log, they are behind and not wrong.
func TestTablesOfAnotherIncarnationAreBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	w.project()
	w.log.NewIncarnation(t, 20)
	r := w.verify()
	require.False(t, r.Wrong(), "%v", r.Findings)
	require.Equal(t, map[verify.Kind]int{verify.Behind: 6}, r.Counts)
	requireFound(t, r, verify.Behind, "reservations", "", "incarnation")
	w.rebuild()
	require.False(t, w.verify().Wrong(), "what the restore lost is gone")
}

// Empty tables are no agreement.
func TestEmptyTablesAreBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	r := w.verify()
	require.False(t, r.Wrong(), "%v", r.Findings)
	require.Equal(t, map[verify.Kind]int{verify.Behind: 2 + 2 + 11 + 8 + 11 + 8 + 19}, r.Counts)
	var out strings.Builder
	r.Print(&out)
	require.Contains(t, out.String(), "the read tables are behind the log")
}

// A run over one event reads and compares that event alone, with all that was sold of it.
func TestOneEventCanBeVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tell()
	w.project()
	only := func(c *verify.Config) { c.EventIDs = []string{w.CancelledID} }
	whole, r := w.verify(), w.verify(only)
	require.True(t, r.OK(), "%v", r.Findings)
	require.EqualValues(t, 1, r.Rows["events"])
	require.Positive(t, r.Rows["reservations"])
	require.Less(t, r.Rows["reservations"], whole.Rows["reservations"])
	require.Less(t, r.Audit.DomainEvents, whole.Audit.DomainEvents)
	require.Positive(t, r.Audit.Money["EUR"].Taken)

	w.exec(w.read, `UPDATE section_sales SET sold = sold + 2`)
	w.exec(w.read, `UPDATE reservations SET total = total + 1`)
	r = w.verify(only)
	require.True(t, r.Wrong())
	for _, f := range r.Findings {
		require.Contains(t, []string{"reservations", "section_sales"}, f.Table)
		require.NotContains(t, f.Key, w.EventID, "another event")
	}

	// The event that the log begins with, and none.
	r = w.verify(func(c *verify.Config) { c.Begun = eventstore.Stretch{Until: 1} })
	require.EqualValues(t, 1, r.Rows["events"])
	requireFound(t, r, verify.Differs, "section_sales", w.EventID+" Floor EUR", "sold")
	r = w.verify(func(c *verify.Config) { c.Begun = eventstore.Stretch{After: 1, Until: 2} })
	require.Empty(t, r.Findings)
	require.Zero(t, r.Audit.DomainEvents)
}
