DROP TABLE projection_dead_letters, projection_checkpoints, projections;
