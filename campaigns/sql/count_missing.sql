-- Counts who of the segment may be written to now and has no message of a campaign. Reads only.
-- Indexes: as freeze_audience.sql.
WITH launch AS (
    SELECT %s::uuid AS campaign_id, %s::text AS purpose, %s::timestamptz AS at
), {judged}
SELECT count(*) FROM judged WHERE refusal IS NULL
