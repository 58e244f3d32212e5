-- A refund is found by its id: node(id: "rfd_…"). Unnamed, as 0001 says.
CREATE INDEX ON payments USING gin (refunds jsonb_path_ops);
