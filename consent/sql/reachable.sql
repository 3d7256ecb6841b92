-- Why each of many people may not be reached for a purpose over a channel; null: they may.
-- Reads only. The gate and the suppression list in one statement, so that no answer is older than
-- another; what every list of people and every export asks.
-- A "no" kept for the address or for the number is enough, whatever the channel: a person who said
-- no to everything by e-mail is not called either. Marks of somebody whose address nobody knows
-- are empty and suppress nobody.
-- A person who is not in consent_refusals was never asked: nothing is permitted by silence.
-- Indexes: primary keys of consent_permission and consent_suppression.
SELECT b.id, CASE
    WHEN r.subject_id IS NULL THEN 'no_permission'
    WHEN r.refusal IS NOT NULL THEN r.refusal
    WHEN consent_is_suppressed(1, b.email, %(purpose)s) THEN 'suppressed'
    WHEN consent_is_suppressed(2, b.phone, %(purpose)s) THEN 'suppressed' END
FROM unnest(%(ids)s::uuid[], %(emails)s::bytea[], %(phones)s::bytea[]) AS b (id, email, phone)
LEFT JOIN LATERAL consent_refusals(%(purpose)s, %(channel)s) r ON r.subject_id = b.id
