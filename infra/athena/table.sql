-- The copies of the log for reading, in Athena: one row for each leaf. Put the output DerivedBucketName in place of BUCKET.
-- Days are found by projection, so nothing has to be added when a new day begins. `data` is the text of a JSON object.
CREATE EXTERNAL TABLE IF NOT EXISTS events (
  `id` string,
  `type` string,
  `time` string,
  `subject` string,
  `rno` bigint,
  `seq` int,
  `source` string,
  `prev` string,
  `schema` int,
  `data` string
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://BUCKET/events/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-01-01,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/events/dt=${dt}/'
)
