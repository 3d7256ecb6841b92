-- The next so many places are taken by leads of this form and state.
WITH made AS (
    INSERT INTO crm_lead (id, contact_id, form_code, form_version, received_at, state, has_message)
    SELECT gen_random_uuid(), p.contact_id, %(form)s, 1,
        p.since + random() * (%(now)s - p.since), %(state)s, %(message)s
    FROM lead_place p, lead_taken t
    WHERE p.place > t.leads AND p.place <= t.leads + %(n)s
    RETURNING contact_id, received_at
)
INSERT INTO crm_timelineentry (contact_id, at, kind, reference)
SELECT contact_id, received_at, 'lead', jsonb_build_object('form', %(form)s::text, 'version', 1)
FROM made;
UPDATE lead_taken SET leads = leads + %(n)s
