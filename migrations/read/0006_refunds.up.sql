-- A refund is found by its id: node(id: "rfd_…").
CREATE INDEX payments_refunds ON payments USING gin (refunds jsonb_path_ops);
