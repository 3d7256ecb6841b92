-- Tags by rank.
SELECT row_number() OVER (ORDER BY n DESC, tag_id), n
FROM (SELECT tag_id, count(*) AS n FROM crm_contacttag GROUP BY tag_id) AS counted
