CREATE INDEX webhooks_due ON webhooks (next_at) WHERE handled_at IS NULL;
DELETE FROM river_job WHERE kind IN ('webhook', 'forget_webhooks');
INSERT INTO deadlines (kind, id, due_at, next_at, correlation_id, causation_id, traceparent)
    SELECT 'payment', args->>'payment_id', scheduled_at, scheduled_at,
        metadata->>'correlation_id', metadata->>'causation_id', metadata->>'traceparent'
    FROM river_job WHERE kind = 'reconcile' AND state = 'scheduled'
    ON CONFLICT DO NOTHING;
DELETE FROM river_job WHERE kind = 'reconcile' AND state = 'scheduled';
