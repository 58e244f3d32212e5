DROP INDEX events_starts_at_id_idx;
