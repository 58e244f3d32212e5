package saga

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/gateway"
	"ticketing/internal/testenv"
)

// giving is a gateway that gives every refund at once.
type giving struct{ command.Gateways }

type givingGateway struct{ gateway.Gateway }

func (giving) ByName(string) (gateway.Gateway, error) { return givingGateway{}, nil }
func (givingGateway) Name() string                    { return "sandbox" }
func (givingGateway) Refund(context.Context, gateway.Refund) (gateway.RefundResult, error) {
	return gateway.RefundResult{}, nil
}

// fillSoldOut is the log of an event with $1 paid reservations of one ticket each, that was cancelled: last comes the cancellation.
const fillSoldOut = `
WITH money AS (SELECT '{"minor": 2000, "currency": "EUR"}'::jsonb AS eur, '2026-11-01T12:00:00Z'::text AS at), facts AS (
	SELECT 0 AS turn, 'event-evt' AS stream, 1 AS version, 'EventCreated' AS type, jsonb_build_object('organizerId', 'usr_org', 'name', 'Gig', 'venue', 'Hall',
		'startsAt', '2030-01-01T12:00:00Z', 'maxTicketsPerReservation', 8, 'paymentAttempts', 1, 'createdAt', at) AS data FROM money
	UNION ALL SELECT 0, 'event-evt', 2, 'EventPublished', '{}'
	UNION ALL SELECT 0, 'inventory-evt', 1, 'InventoryAdded', jsonb_build_object('section', 'Floor', 'price', eur, 'capacity', $1::int) FROM money
	UNION ALL SELECT n, f.* FROM generate_series(1, $1::int) n, money, LATERAL (VALUES
		('inventory-evt', 2 * n, 'SeatsReserved', jsonb_build_object('reservationId', 'rsv_' || n, 'customerId', 'usr_' || n,
			'items', jsonb_build_array(jsonb_build_object('section', 'Floor', 'quantity', 1)))),
		('reservation-rsv_' || n, 1, 'ReservationInitiated', jsonb_build_object('eventId', 'evt', 'customerId', 'usr_' || n, 'total', eur,
			'seats', jsonb_build_array(jsonb_build_object('section', 'Floor', 'price', eur)), 'paymentAttempts', 1, 'createdAt', at, 'expiresAt', at)),
		('reservation-rsv_' || n, 2, 'PaymentRequested', jsonb_build_object('paymentId', 'pay_' || n, 'expiresAt', at)),
		('payment-pay_' || n, 1, 'PaymentInitiated', jsonb_build_object('reservationId', 'rsv_' || n, 'customerId', 'usr_' || n, 'eventId', 'evt',
			'amount', eur, 'gateway', 'sandbox', 'method', 'card', 'createdAt', at)),
		('payment-pay_' || n, 2, 'PaymentCompleted', jsonb_build_object('transactionId', 'tx_' || n, 'completedAt', at)),
		('reservation-rsv_' || n, 3, 'ReservationCompleted', jsonb_build_object('paymentId', 'pay_' || n, 'completedAt', at)),
		('inventory-evt', 2 * n + 1, 'SeatsConfirmed', jsonb_build_object('reservationId', 'rsv_' || n, 'customerId', 'usr_' || n,
			'items', jsonb_build_array(jsonb_build_object('section', 'Floor', 'quantity', 1))))) f
	UNION ALL SELECT $1 + 1, 'event-evt', 3, 'EventCancelled', '{}'
)
INSERT INTO domain_events (shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
SELECT 0, row_number() OVER (ORDER BY turn, stream, version), stream, version, type, 1, data::json,
	json_build_object('correlationId', 'request', 'actor', 'usr_org', 'incarnation', (SELECT incarnation FROM log_incarnation)), now() FROM facts`

// BenchmarkWindingUpALargeEvent measures how long one replica takes to write to all customers of a cancelled event and to request all their refunds,
// which are carried out meanwhile. WINDUP_RESERVATIONS says of how many reservations (default: 2,000).
func BenchmarkWindingUpALargeEvent(b *testing.B) {
	n := 2_000
	if text := os.Getenv("WINDUP_RESERVATIONS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	for b.Loop() {
		b.StopTimer()
		s := commandtest.New(b, commandtest.Config{Gateways: giving{}})
		began := time.Now()
		_, err := s.Pool.Exec(b.Context(), fillSoldOut, n)
		require.NoError(b, err)
		_, err = s.Pool.Exec(b.Context(), `INSERT INTO saga_positions (shard, position) SELECT 0, max(position) - 1 FROM domain_events`)
		require.NoError(b, err)
		b.Logf("filled with %d reservations in %s", n, time.Since(began).Round(time.Second))
		b.StartTimer()
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, config(s.Pool, s.Service)) }()
		awaitCount(b, s.Pool, n, `SELECT count(*) FROM customer_mails WHERE mail = 'event_cancelled'`)
		b.Logf("all mails were requested after %s", b.Elapsed().Round(time.Second))
		awaitCount(b, s.Pool, n, `SELECT count(*) FROM domain_events WHERE type = 'RefundRequested'`)
		b.StopTimer()
		b.Logf("all refunds were requested after %s", b.Elapsed().Round(time.Second))
		stop()
		require.NoError(b, <-ended)
		b.StartTimer()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "reservations/s")
}

func awaitCount(b *testing.B, pool *pgxpool.Pool, want int, query string) {
	b.Helper()
	testenv.Eventually(b, 8*time.Minute, func() (bool, string) {
		var n int
		require.NoError(b, pool.QueryRow(b.Context(), query).Scan(&n))
		return n == want, fmt.Sprintf("%d of %d", n, want)
	})
}
