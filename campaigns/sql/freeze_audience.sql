-- Freezes the audience of a campaign: one queued delivery per person who may be written to and has
-- none yet, one count per reason for everybody else of the segment. Returns how many were planned.
-- One statement, so that nobody is judged twice or by two states of the world; safe to repeat,
-- because delivery_once refuses a second row. A later round is the same statement: who has a row
-- is in neither number. The suppression list is asked at the gate: it is kept by fingerprint of
-- the address, which only a decrypted profile has.
-- due_at: the hour on the clocks of the person's country where zones are given, else the moment
-- that is given, else now.
-- Variants: one digest of campaign and contact says by its first half whether somebody is in the
-- sample, and by its second half which variant they get. The rest is held (10) until one is chosen.
-- The permissions of the purpose are joined in one pass (consent_refusals is opened up by the
-- planner). Indexes: perm_audience (purpose, channel, state, subject), key of crm_contact,
-- delivery_once.
WITH launch AS (
    SELECT %s::uuid AS campaign_id, %s::text AS purpose, %s::timestamptz AS at,
           %s::smallint AS round, %s::timestamptz AS due_at, %s::float8 AS sample,
           %s::int AS variants, %s::smallint AS rest_state, %s::smallint AS rest_variant
), zone AS (
    SELECT * FROM unnest(%s::text[], %s::timestamptz[]) AS z (country, due_at)
), {judged}, drawn AS (
    SELECT j.id, j.country, {draw} AS draw
    FROM launch, judged j
    WHERE j.refusal IS NULL
), split AS (
    SELECT w.id, w.country,
           ('x' || substr(w.draw, 1, 8))::bit(32)::bigint / 4294967296.0 < launch.sample
               AS is_sample,
           mod(('x' || substr(w.draw, 9, 8))::bit(32)::bigint, launch.variants) AS variant
    FROM launch, drawn w
), planned AS (
    INSERT INTO campaigns_delivery
        (campaign_id, contact_id, kind, reference_id, state, worker, due_at, attempts, reason,
         evidence, planned_at, round, variant)
    SELECT launch.campaign_id, w.id, 1, launch.campaign_id,
           CASE WHEN w.is_sample THEN 1 ELSE launch.rest_state END, '',
           coalesce(z.due_at, launch.due_at, clock_timestamp()), 0, '', '', launch.at,
           launch.round, CASE WHEN w.is_sample THEN w.variant ELSE launch.rest_variant END
    FROM launch, split w
    LEFT JOIN zone z ON z.country = w.country
    ORDER BY w.id
    ON CONFLICT DO NOTHING
    RETURNING id
), excluded AS (
    INSERT INTO campaigns_audienceexclusion (campaign_id, reason, contacts)
    SELECT launch.campaign_id, j.refusal, count(*)
    FROM launch, judged j
    WHERE j.refusal IS NOT NULL
    GROUP BY launch.campaign_id, j.refusal
    RETURNING contacts
)
SELECT (SELECT count(*) FROM planned), (SELECT coalesce(sum(contacts), 0) FROM excluded)
