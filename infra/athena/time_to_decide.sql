-- The median time to decide by profile in the last quarter, in milliseconds, without the time that an agent owed an answer.
-- A review with gates of several profiles counts in each; so do rejections.
WITH quarter AS (
  SELECT
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '3' MONTH AS DATE) AS VARCHAR) AS first_day,
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '1' DAY AS DATE) AS VARCHAR) AS last_day,
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '6' MONTH AS DATE) AS VARCHAR) AS asked_from
),
decided AS (
  SELECT
    subject,
    json_extract_scalar(data, '$.digest') AS digest,
    CAST(json_extract_scalar(data, '$.latency_ms') AS BIGINT) AS latency
  FROM events
  CROSS JOIN quarter
  WHERE type IN ('decision.approved', 'decision.rejected') AND dt BETWEEN first_day AND last_day
),
reviewed AS (
  SELECT DISTINCT
    subject,
    json_extract_scalar(data, '$.digest') AS digest,
    json_extract_scalar(gate, '$.profile') AS profile
  FROM events
  CROSS JOIN quarter
  CROSS JOIN UNNEST(CAST(json_extract(data, '$.gates') AS ARRAY(JSON))) AS g(gate)
  WHERE type = 'policy.evaluated' AND dt BETWEEN asked_from AND last_day
),
ranked AS (
  SELECT
    profile,
    latency,
    row_number() OVER (PARTITION BY profile ORDER BY latency) AS place,
    count(*) OVER (PARTITION BY profile) AS decisions
  FROM decided
  JOIN reviewed ON reviewed.subject = decided.subject AND reviewed.digest = decided.digest
)
-- Of an even number the two in the middle are taken, of an odd one the one.
SELECT profile, max(decisions) AS decisions, avg(CAST(latency AS DOUBLE)) AS median_ms
FROM ranked
WHERE 2 * place BETWEEN decisions AND decisions + 2
GROUP BY profile
ORDER BY profile
