-- Undecided payments were deadlines until they were due, and webhooks were a queue of their own: both are jobs now (package command/saga).
-- The columns next_at, attempts and last_error of webhooks are no longer used.
INSERT INTO river_job (kind, queue, max_attempts, state, scheduled_at, args, metadata)
    SELECT 'reconcile', 'payments', 452, 'scheduled', next_at, jsonb_build_object('payment_id', id),
        jsonb_build_object('correlation_id', correlation_id, 'causation_id', causation_id, 'traceparent', traceparent)
    FROM deadlines WHERE kind = 'payment';
DELETE FROM deadlines WHERE kind = 'payment';
INSERT INTO river_job (kind, queue, max_attempts, args)
    SELECT 'webhook', 'webhooks', 452, jsonb_build_object('gateway', gateway, 'event_id', event_id)
    FROM webhooks WHERE handled_at IS NULL;
DROP INDEX webhooks_due;
