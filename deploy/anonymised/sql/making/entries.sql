-- Lines of other kinds on the timelines of any contacts, with what a page needs to show them.
INSERT INTO crm_timelineentry (contact_id, at, kind, reference)
SELECT c.id, c.created_at + random() * (%(now)s - c.created_at), %(k0)s,
    CASE %(k0)s
        WHEN 'status' THEN '{"from": "new", "to": "engaged"}'::jsonb
        WHEN 'tagged' THEN '{"tag": "tag-1"}'::jsonb
        WHEN 'untagged' THEN '{"tag": "tag-1"}'::jsonb
        WHEN 'lead_state' THEN '{"from": "new", "to": "answered"}'::jsonb
        WHEN 'lead_assigned' THEN '{"to": ""}'::jsonb
        WHEN 'no' THEN jsonb_build_object('purpose', '', 'source', gen_random_uuid()::text)
        ELSE '{}'::jsonb
    END
FROM (
    SELECT id, created_at FROM crm_contact, generate_series(1, 1 + %(n)s / (
        SELECT count(*) FROM crm_contact)) ORDER BY random() LIMIT %(n)s
) AS c
