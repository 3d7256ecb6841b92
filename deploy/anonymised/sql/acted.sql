-- How many months ago the last act of contacts was.
SELECT floor(extract(epoch FROM %(now)s - last_act_at) / 2592000)::int, count(*)
FROM crm_contact GROUP BY 1
