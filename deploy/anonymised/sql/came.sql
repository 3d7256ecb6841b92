-- How many months of thirty days ago contacts came.
SELECT floor(extract(epoch FROM %(now)s - created_at) / 2592000)::int, count(*)
FROM crm_contact GROUP BY 1
