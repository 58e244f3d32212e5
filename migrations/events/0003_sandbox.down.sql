DROP TABLE sandbox_refunds, sandbox_payments;
