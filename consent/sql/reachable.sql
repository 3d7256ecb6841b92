-- Why each of many people may not be reached for a purpose over a channel; null: they may.
-- Reads only. The gate and the suppression list in one statement, so that no answer is older than
-- another; what every list of people and every export asks.
-- What is kept for the address counts for mail, what is kept for the number for calls and text
-- messages. A "no" to everything that was said by e-mail is a "no" to calls too, and so is one to a
-- purpose that has no mail; a "no" to the mail alone of a purpose leaves its calls as they are.
-- Marks of somebody whose address nobody knows are empty and suppress nobody.
-- A person who is not in consent_refusals was never asked: nothing is permitted by silence.
-- Indexes: primary keys of consent_permission and consent_suppression.
SELECT b.id, CASE
    WHEN r.subject_id IS NULL THEN 'no_permission'
    WHEN r.refusal IS NOT NULL THEN r.refusal
    WHEN consent_is_suppressed(1, b.email, CASE
        WHEN %(channel)s = 'email' OR NOT p.channels @> '["email"]' THEN p.code
        ELSE '' END) THEN 'suppressed'
    WHEN %(channel)s IN ('phone', 'sms')
        AND consent_is_suppressed(2, b.phone, p.code) THEN 'suppressed' END
FROM unnest(%(ids)s::uuid[], %(emails)s::bytea[], %(phones)s::bytea[]) AS b (id, email, phone)
LEFT JOIN consent_purpose p ON p.code = %(purpose)s
LEFT JOIN LATERAL consent_refusals(%(purpose)s, %(channel)s) r ON r.subject_id = b.id
