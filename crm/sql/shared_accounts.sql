-- Accounts that were in use twice at the same time since `since`: one line for each, those from
-- two networks first. Reads only. A sign-in counts from its beginning to its last request, not to
-- its end: a browser that was left open at the office is not in use.
-- Both sign-ins of a pair are of one account, so the join grows with the sign-ins of a person in
-- half a year, not with the table. Index: signin_of_account.
WITH used AS (
    SELECT id, account_id, network_print, browser_print, began_at, seen_at
    FROM crm_signin
    WHERE began_at >= %(since)s
), pairs AS (
    SELECT a.account_id,
           a.network_print <> b.network_print AS two_networks,
           greatest(a.began_at, b.began_at) AS at
    FROM used a
    JOIN used b ON b.account_id = a.account_id AND a.id < b.id
               AND a.began_at < b.seen_at AND b.began_at < a.seen_at
    WHERE a.network_print <> b.network_print OR a.browser_print <> b.browser_print
), moved AS (
    SELECT account_id, count(*) AS times
    FROM crm_securityevent
    WHERE kind = 'network_changed' AND at >= %(since)s AND account_id IS NOT NULL
    GROUP BY account_id
), overlapping AS (
    SELECT account_id, count(*) FILTER (WHERE two_networks) AS in_networks,
           count(*) FILTER (WHERE NOT two_networks) AS in_browsers, max(at) AS latest_at
    FROM pairs
    GROUP BY account_id
)
SELECT c.id, c.username, c.role, coalesce(o.in_networks, 0), coalesce(o.in_browsers, 0),
       coalesce(m.times, 0), o.latest_at
FROM crm_account c
LEFT JOIN overlapping o ON o.account_id = c.id
LEFT JOIN moved m ON m.account_id = c.id
WHERE o.account_id IS NOT NULL OR m.times >= %(moves)s
ORDER BY 4 DESC, 5 DESC, 6 DESC, c.username
LIMIT 200
