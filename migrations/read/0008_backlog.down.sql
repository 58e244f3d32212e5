ALTER TABLE projections DROP COLUMN incomplete;
DROP TABLE projection_backlog;
