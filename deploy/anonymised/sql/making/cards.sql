-- Preference cards of so many contacts, to be shown anew.
INSERT INTO consent_subjectcard (card_id, subject_id, created_at, stale_since, is_alias)
SELECT gen_random_uuid(), id, created_at, %(now)s, false
FROM crm_contact ORDER BY random() LIMIT %(n)s
