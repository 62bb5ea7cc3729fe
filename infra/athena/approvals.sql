-- Who approved what in the last quarter: each vote that counted in an approval, with what it was about. The target is empty
-- where the profile does not record it. A request that is decided was made 80 days before at most.
WITH quarter AS (
  SELECT
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '3' MONTH AS DATE) AS VARCHAR) AS first_day,
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '1' DAY AS DATE) AS VARCHAR) AS last_day,
    CAST(CAST(date_trunc('quarter', current_date) - INTERVAL '6' MONTH AS DATE) AS VARCHAR) AS asked_from
),
approved AS (
  SELECT
    subject,
    json_extract_scalar(data, '$.digest') AS digest,
    json_extract_scalar(vote, '$.person') AS person,
    json_extract_scalar(vote, '$.channel') AS channel,
    json_extract_scalar(vote, '$.at') AS approved_at
  FROM events
  CROSS JOIN quarter
  CROSS JOIN UNNEST(CAST(json_extract(data, '$.votes') AS ARRAY(JSON))) AS v(vote)
  WHERE type = 'decision.approved' AND dt BETWEEN first_day AND last_day
    AND json_extract_scalar(vote, '$.ballot') = 'approve'
),
asked AS (
  SELECT
    subject,
    max(CASE WHEN type = 'request.created' THEN json_extract_scalar(data, '$.action') END) AS action,
    max(CASE WHEN type = 'request.created' THEN json_extract_scalar(data, '$.agent_name') END) AS agent
  FROM events
  CROSS JOIN quarter
  WHERE type = 'request.created' AND dt BETWEEN asked_from AND last_day
  GROUP BY subject
),
evaluated AS (
  SELECT subject, json_extract_scalar(data, '$.digest') AS digest, json_extract_scalar(data, '$.recorded.target') AS target
  FROM events
  CROSS JOIN quarter
  WHERE type = 'policy.evaluated' AND dt BETWEEN asked_from AND last_day
)
SELECT approved_at, person, channel, action, coalesce(target, '') AS target, agent, approved.subject AS request
FROM approved
JOIN asked ON asked.subject = approved.subject
JOIN evaluated ON evaluated.subject = approved.subject AND evaluated.digest = approved.digest
ORDER BY approved_at, request, person
