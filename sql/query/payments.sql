-- name: PaymentsByID :many
SELECT * FROM payments WHERE id = ANY (@ids::text[]);

-- name: PaymentsByRefund :many
SELECT p.* FROM unnest(@refund_ids::text[]) AS asked(id)
JOIN payments p ON p.refunds @> jsonb_build_array(jsonb_build_object('id', asked.id));

-- name: PaymentsByReservation :many
SELECT * FROM payments WHERE reservation_id = ANY (@reservation_ids::text[])
ORDER BY reservation_id, created_at, id;

-- name: PaymentsNewestFirst :many
SELECT * FROM payments
WHERE customer_id = @customer_id
  AND (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
ORDER BY created_at DESC, id DESC
LIMIT @row_limit;

-- name: PaymentsOldestFirst :many
SELECT * FROM payments
WHERE customer_id = @customer_id
  AND (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
ORDER BY created_at, id
LIMIT @row_limit;
