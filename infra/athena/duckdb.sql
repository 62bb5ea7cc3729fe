-- The same table in DuckDB, over a copy of the bucket: put its directory in place of BUCKET. With the two functions the
-- queries beside this file run as they are, but that DuckDB writes JSON[] where Athena writes ARRAY(JSON).
CREATE VIEW events AS
SELECT id, type, time, subject, rno, seq, source, prev, schema, data, dt
FROM read_json(
  'BUCKET/events/dt=*/*.jsonl.gz',
  format = 'newline_delimited',
  columns = {
    id: 'VARCHAR', type: 'VARCHAR', time: 'VARCHAR', subject: 'VARCHAR', rno: 'BIGINT', seq: 'INTEGER', source: 'VARCHAR',
    prev: 'VARCHAR', schema: 'INTEGER', data: 'JSON'
  },
  hive_partitioning = true,
  hive_types = {dt: VARCHAR}
);
CREATE MACRO json_extract_scalar(document, path) AS json_extract_string(document, path);
CREATE MACRO json_array_contains(list, word) AS coalesce(json_contains(list, to_json(word)), false);
