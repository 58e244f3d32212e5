-- A refund that the customer's bank sent back is in the customer's history.
ALTER TABLE customer_history DROP CONSTRAINT customer_history_kind_check;
ALTER TABLE customer_history ADD CONSTRAINT customer_history_kind_check CHECK (kind IN
    ('RESERVATION_INITIATED', 'RESERVATION_COMPLETED', 'RESERVATION_CANCELLED', 'RESERVATION_EXPIRED', 'RESERVATION_COMPENSATED',
     'RESERVATION_REFUNDED', 'PAYMENT_COMPLETED', 'PAYMENT_FAILED', 'PAYMENT_REFUNDED', 'REFUND_SENT_BACK')) NOT VALID;
ALTER TABLE customer_history VALIDATE CONSTRAINT customer_history_kind_check;
