-- Reads the files of parquet.sh, for example: duckdb -init parquet.sql
-- Those in a bucket likewise: with the CREATE SECRET of s3.sql before, and 's3://name/dixa/…' below.
-- Each conversation once, as it was read last: every run writes what has changed, and some of it again.
CREATE OR REPLACE VIEW latest AS
FROM read_parquet('dixa/conversations/*/*.parquet', hive_partitioning = true, union_by_name = true, filename = true)
QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated_at DESC, filename DESC) = 1;
