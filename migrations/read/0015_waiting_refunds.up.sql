-- Payments with refunds that wait are few, and found without reading the others. The condition is that of sql/query/payments.sql.
CREATE INDEX ON payments (created_at, id, refunded) WHERE jsonb_path_exists(refunds, '$[*] ? (@.status == "PENDING" || @.status == "FAILED")') AND refunded < amount;
