DROP INDEX events_lower_id_idx;
