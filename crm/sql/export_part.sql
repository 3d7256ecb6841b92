-- Why each of the next people of an export may not be reached, in the order of their ids; null:
-- they may. Reads only. Returns (id, reason, language).
-- `people` is a statement of ids: of the segment while the file is made, of the rows of a part when
-- it is downloaded; so both ask the same ladder, which is that of waterfall.sql and, for calls, the
-- two steps of calling.sql. The suppression list is asked behind it by address, in `reachable`.
-- Who became a contact after the export was asked for is not in it.
-- Indexes: key of crm_contact, primary key of consent_permission, timeline_of_contact.
WITH people AS (
    {people}
), part AS MATERIALIZED (
    SELECT p.id FROM people p
    WHERE %(after)s::uuid IS NULL OR p.id > %(after)s::uuid
    ORDER BY p.id LIMIT %(size)s
)
SELECT part.id,
       CASE WHEN c.id IS NULL THEN 'gone'
            WHEN c.created_at > %(asked_at)s THEN 'came_later'
            WHEN NOT CASE %(channel)s WHEN 'email' THEN c.has_email
                                      WHEN 'post' THEN TRUE
                                      ELSE c.has_phone END THEN 'no_address'
            WHEN c.restricted_at IS NOT NULL THEN 'restricted'
            WHEN c.unreachable_at IS NOT NULL AND %(channel)s = 'email' THEN 'unreachable'
            WHEN r.subject_id IS NULL THEN 'no_permission'
            WHEN r.refusal IS NOT NULL THEN r.refusal
            WHEN %(channel)s = 'email' AND EXISTS (
                SELECT 1 FROM crm_contactcampaign s
                WHERE s.contact_id = c.id
                  AND s.sent_at > %(now)s - f.every_days * interval '1 day') THEN 'too_soon'
            WHEN %(channel)s = 'phone' AND r.basis <> %(consent)s
                 AND CASE WHEN c.is_professional THEN %(professionals)s
                                                 ELSE %(consumers)s END THEN 'needs_consent'
            WHEN %(channel)s = 'phone' AND NOT c.is_professional AND %(calls_most)s <= (
                SELECT count(*) FROM crm_timelineentry t
                WHERE t.contact_id = c.id AND t.at > %(calls_since)s AND t.kind = 'called')
                THEN 'called_often'
       END,
       c.language
FROM part
LEFT JOIN crm_contact c ON c.id = part.id
LEFT JOIN LATERAL consent_refusals(%(purpose)s, %(channel)s) r ON r.subject_id = c.id
LEFT JOIN LATERAL consent_frequencies() f ON f.subject_id = c.id
ORDER BY part.id
