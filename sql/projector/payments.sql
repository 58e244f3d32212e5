-- name: LoadPayments :many
SELECT * FROM payments WHERE id = ANY (@ids::text[]);

-- name: SavePayments :exec
-- A row is the fold of its stream up to its version: of two writers, the one that read further is right.
INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, status, gateway,
    transaction_id, failure_code, failure_reason, created_at, completed_at, failed_at, disputes, metadata)
SELECT unnest(@ids::text[]), unnest(@versions::bigint[]), unnest(@reservation_ids::text[]), unnest(@customer_ids::text[]),
       unnest(@event_ids::text[]), unnest(@amounts::bigint[]), unnest(@refunded::bigint[]), unnest(@currencies::text[]),
       unnest(@refunds::text[])::jsonb, unnest(@statuses::text[]), unnest(@gateways::text[]),
       nullif(unnest(@transaction_ids::text[]), ''), nullif(unnest(@failure_codes::text[]), ''),
       nullif(unnest(@failure_reasons::text[]), ''), unnest(@created_ats::timestamptz[]), unnest(@completed_ats::timestamptz[]),
       unnest(@failed_ats::timestamptz[]), unnest(@disputes::text[])::jsonb, unnest(@metadata::text[])::jsonb
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version, refunded = excluded.refunded, refunds = excluded.refunds, status = excluded.status,
    transaction_id = excluded.transaction_id, failure_code = excluded.failure_code, failure_reason = excluded.failure_reason,
    completed_at = excluded.completed_at, failed_at = excluded.failed_at, disputes = excluded.disputes, metadata = excluded.metadata
WHERE payments.version < excluded.version;
