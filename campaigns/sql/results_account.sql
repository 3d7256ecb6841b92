-- What became of every message of a campaign: (state, reason, variant, code, messages). One
-- statement, so that the sum is the audience of one moment. The code is what the receiving server
-- or the relay said (550 5.1.1), or the class of what came back (5.1.1 unknown_user); never its words.
-- Counted by the worker, not by a page: a million rows are read.
-- Index: delivery_by_state.
SELECT d.state, d.reason, d.variant,
       CASE WHEN d.state IN (7, 8)
            THEN coalesce(substring(d.evidence FROM
                '^(?:[2-5][0-9]{2})?(?: ?[245]\.[0-9]{1,3}\.[0-9]{1,3})?(?: ?[a-z_]{1,20}$)?'), '')
            ELSE '' END AS code,
       count(*)
FROM campaigns_delivery d
WHERE d.campaign_id = %(campaign)s
GROUP BY d.state, d.reason, d.variant, code
ORDER BY d.state, d.reason, d.variant, code
