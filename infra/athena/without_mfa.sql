-- Approvals in the last quarter by people of whom the log does not show that they signed in by more than one factor: the
-- token's `amr` says neither `mfa` nor both something known and something held or grown (RFC 8176). Slack does not tell.
WITH quarter AS (
  SELECT
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '3' MONTH AS DATE) AS VARCHAR) AS first_day,
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '1' DAY AS DATE) AS VARCHAR) AS last_day
),
votes AS (
  SELECT
    time,
    subject,
    json_extract_scalar(data, '$.person') AS person,
    json_extract_scalar(data, '$.channel') AS channel,
    coalesce(json_extract(data, '$.amr'), json_extract('{"amr":[]}', '$.amr')) AS amr
  FROM events
  CROSS JOIN quarter
  WHERE type = 'vote.cast' AND dt BETWEEN first_day AND last_day AND json_extract_scalar(data, '$.ballot') = 'approve'
)
SELECT time, person, channel, subject AS request
FROM votes
WHERE NOT json_array_contains(amr, 'mfa')
  AND NOT (
    (json_array_contains(amr, 'pwd') OR json_array_contains(amr, 'pin') OR json_array_contains(amr, 'kba'))
    AND (
      json_array_contains(amr, 'otp') OR json_array_contains(amr, 'hwk') OR json_array_contains(amr, 'swk')
      OR json_array_contains(amr, 'sc') OR json_array_contains(amr, 'sms') OR json_array_contains(amr, 'tel')
      OR json_array_contains(amr, 'fpt') OR json_array_contains(amr, 'face') OR json_array_contains(amr, 'iris')
      OR json_array_contains(amr, 'retina') OR json_array_contains(amr, 'vbm')
    )
  )
ORDER BY time, request, person
