-- Letters that people must be sent, and test mails, by what became of them.
SELECT CASE WHEN kind = 3 THEN 2 ELSE kind END, state, reason, count(*),
    count(DISTINCT contact_id)
FROM campaigns_delivery WHERE kind <> 1 GROUP BY 1, 2, 3
