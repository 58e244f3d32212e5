-- name: SeatsOnSale :one
SELECT coalesce(sum(s.available), 0)::bigint AS available, coalesce(sum(s.reserved), 0)::bigint AS reserved,
       coalesce(sum(s.sold), 0)::bigint AS sold, coalesce(sum(s.blocked), 0)::bigint AS blocked
FROM events e
JOIN sections s ON s.event_id = e.id
WHERE e.status = 'SALES_OPEN';

-- name: UndecidedPayments :one
SELECT count(*) AS payments, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest_seconds
FROM payments
WHERE status IN ('INITIATED', 'PROCESSING', 'REQUIRES_ACTION');
