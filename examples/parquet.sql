-- Reads the files of parquet.sh, for example: duckdb -init parquet.sql
-- For files in a bucket, run the CREATE SECRET from s3.sql first, and use 's3://name/dixa/…' below.
-- Shows each conversation once, in its latest version: every run writes what has changed, and repeats some of it.
CREATE OR REPLACE VIEW latest AS
FROM read_parquet('dixa/conversations/*/*.parquet', hive_partitioning = true, union_by_name = true, filename = true)
QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated_at DESC, filename DESC) = 1;
