DROP INDEX payments_refunds_idx;
