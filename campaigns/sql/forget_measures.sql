-- Deletes what was measured of everybody who no longer agrees to it (withdrawn, objected, expired,
-- the purpose retired), and of whoever is no longer a contact. Returns how many rows went. The
-- links that they followed go with them (measuredclick_message), and the figures of their
-- campaigns are due to be counted again at once.
-- A pause is no withdrawal: nothing is measured meanwhile, and what is there stays.
-- Asked of the whole table, so that no way of saying no has to remember to call it.
-- Indexes: key of consent_permission; the table holds only people who agreed.
WITH gone AS (
    DELETE FROM campaigns_measuredmessage held
    WHERE NOT EXISTS (
        SELECT 1 FROM consent_refusals('email_measurement', 'email') m
        JOIN crm_contact c ON c.id = m.subject_id
        WHERE m.subject_id = held.contact_id AND m.basis = 'A6-1-a'
          AND (m.refusal IS NULL OR m.refusal = 'on_pause'))
    RETURNING held.campaign_id
), counted_again AS (
    UPDATE campaigns_campaignresult r SET due_at = least(r.due_at, now())
    WHERE r.campaign_id IN (SELECT campaign_id FROM gone)
)
SELECT count(*) FROM gone
