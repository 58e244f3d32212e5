DROP TABLE snapshots, idempotency_keys, log_incarnation, domain_events;
