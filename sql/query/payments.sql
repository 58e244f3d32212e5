-- name: PaymentsByID :many
SELECT * FROM payments WHERE id = ANY (@ids::text[]);

-- name: PaymentsByRefund :many
SELECT p.* FROM unnest(@refund_ids::text[]) AS asked(id)
JOIN payments p ON p.refunds @> jsonb_build_array(jsonb_build_object('id', asked.id));

-- name: PaymentsByDispute :many
SELECT p.* FROM unnest(@dispute_ids::text[]) AS asked(id)
JOIN payments p ON p.disputes @> jsonb_build_array(jsonb_build_object('id', asked.id));

-- name: PaymentsByReservation :many
SELECT * FROM payments WHERE reservation_id = ANY (@reservation_ids::text[])
ORDER BY reservation_id, created_at, id;

-- name: PaymentVersions :many
SELECT reservation_id, sum(version)::bigint AS versions FROM payments WHERE reservation_id = ANY (@reservation_ids::text[])
GROUP BY reservation_id;

-- name: PaymentsNewestFirst :many
SELECT * FROM payments
WHERE (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('event_id')::text IS NULL OR event_id = sqlc.narg('event_id'))
  AND (sqlc.narg('customer_id')::text IS NULL OR customer_id = sqlc.narg('customer_id'))
  AND (sqlc.narg('gateway')::text IS NULL OR gateway = sqlc.narg('gateway'))
  AND (NOT @waiting_refunds::boolean OR (jsonb_path_exists(refunds, '$[*] ? (@.status == "PENDING" || @.status == "FAILED")') AND refunded < amount))
ORDER BY created_at DESC, id DESC
LIMIT @row_limit;

-- name: PaymentsOldestFirst :many
SELECT * FROM payments
WHERE (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('event_id')::text IS NULL OR event_id = sqlc.narg('event_id'))
  AND (sqlc.narg('customer_id')::text IS NULL OR customer_id = sqlc.narg('customer_id'))
  AND (sqlc.narg('gateway')::text IS NULL OR gateway = sqlc.narg('gateway'))
  AND (NOT @waiting_refunds::boolean OR (jsonb_path_exists(refunds, '$[*] ? (@.status == "PENDING" || @.status == "FAILED")') AND refunded < amount))
ORDER BY created_at, id
LIMIT @row_limit;

-- name: PaymentsOfNewestFirst :many
-- A page for each of the owners, which are events or customers.
SELECT page.* FROM unnest(@owners::text[]) AS owner (id)
CROSS JOIN LATERAL (
    SELECT * FROM payments p
    WHERE (NOT @by_event::boolean OR p.event_id = owner.id)
      AND (@by_event::boolean OR p.customer_id = owner.id)
      AND (p.created_at, p.id) < (@older_than_time::timestamptz, @older_than_id::text)
      AND (p.created_at, p.id) > (@newer_than_time::timestamptz, @newer_than_id::text)
      AND (sqlc.narg('status')::text IS NULL OR p.status = sqlc.narg('status'))
      AND (sqlc.narg('event_id')::text IS NULL OR p.event_id = sqlc.narg('event_id'))
      AND (sqlc.narg('customer_id')::text IS NULL OR p.customer_id = sqlc.narg('customer_id'))
      AND (sqlc.narg('gateway')::text IS NULL OR p.gateway = sqlc.narg('gateway'))
    ORDER BY p.created_at DESC, p.id DESC
    LIMIT @row_limit
) AS page
ORDER BY page.created_at DESC, page.id DESC;

-- name: PaymentsOfOldestFirst :many
-- A page for each of the owners, which are events or customers.
SELECT page.* FROM unnest(@owners::text[]) AS owner (id)
CROSS JOIN LATERAL (
    SELECT * FROM payments p
    WHERE (NOT @by_event::boolean OR p.event_id = owner.id)
      AND (@by_event::boolean OR p.customer_id = owner.id)
      AND (p.created_at, p.id) < (@older_than_time::timestamptz, @older_than_id::text)
      AND (p.created_at, p.id) > (@newer_than_time::timestamptz, @newer_than_id::text)
      AND (sqlc.narg('status')::text IS NULL OR p.status = sqlc.narg('status'))
      AND (sqlc.narg('event_id')::text IS NULL OR p.event_id = sqlc.narg('event_id'))
      AND (sqlc.narg('customer_id')::text IS NULL OR p.customer_id = sqlc.narg('customer_id'))
      AND (sqlc.narg('gateway')::text IS NULL OR p.gateway = sqlc.narg('gateway'))
    ORDER BY p.created_at, p.id
    LIMIT @row_limit
) AS page
ORDER BY page.created_at, page.id;
