ALTER TABLE deadlines ADD COLUMN payment_id text;
INSERT INTO deadlines (kind, id, payment_id, due_at, next_at, correlation_id, causation_id, traceparent)
    SELECT kind, coalesce(args->>'refund_id', args->>'event_id'), args->>'payment_id', created_at, created_at,
        metadata->>'correlation_id', metadata->>'causation_id', metadata->>'traceparent'
    FROM river_job WHERE kind IN ('refund', 'event_cancelled') AND state NOT IN ('completed', 'cancelled')
    ON CONFLICT DO NOTHING;
INSERT INTO deadlines (kind, id, due_at, next_at, correlation_id, causation_id, traceparent)
    SELECT 'payment', args->>'payment_id', created_at, created_at,
        metadata->>'correlation_id', metadata->>'causation_id', metadata->>'traceparent'
    FROM river_job WHERE kind = 'reconcile' AND state NOT IN ('completed', 'cancelled')
    ON CONFLICT DO NOTHING;
DROP TABLE customer_mails, saga_replicas, river_notification, river_queue, river_leader, river_job, river_migration;
DROP FUNCTION river_job_state_in_bitmask;
DROP TYPE river_job_state;
