-- On what the messages that passed their gate rested: (basis, state, method, messages). The gate
-- wrote down the event of the ledger that permitted each (justification_seq).
-- A message without its event is counted with an empty basis: it would be a fault, and is shown.
-- Indexes: delivery_by_state; key of consent_ledgerevent.
SELECT coalesce(j.basis, ''), coalesce(j.event_state, ''), coalesce(j.method, ''), count(*)
FROM campaigns_delivery d
LEFT JOIN consent_justifications() j ON j.seq = d.justification_seq
WHERE d.campaign_id = %(campaign)s AND d.state IN (3, 4, 5, 8, 9)
GROUP BY 1, 2, 3
ORDER BY 4 DESC, 1, 2, 3
