-- Sources by rank: their names were typed by somebody.
SELECT row_number() OVER (ORDER BY n DESC, source), n
FROM (SELECT source, count(*) AS n FROM crm_contact GROUP BY source) AS counted
