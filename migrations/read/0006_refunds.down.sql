DROP INDEX payments_refunds;
