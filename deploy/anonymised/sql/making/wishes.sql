-- How often, and a pause; of contacts that have no wish yet.
INSERT INTO consent_mailingpreference (subject_id, every_days, paused_until, changed_at, source_id)
SELECT c.id, nullif(%(k0)s, 0), CASE WHEN %(k1)s THEN %(now)s + random() * interval '60 days' END,
    c.created_at + random() * (%(now)s - c.created_at), gen_random_uuid()
FROM (
    SELECT id, created_at FROM crm_contact k
    WHERE NOT EXISTS (SELECT FROM consent_mailingpreference w WHERE w.subject_id = k.id)
    ORDER BY random() LIMIT %(n)s
) AS c
