-- Language, country and status of contacts; merged and restricted ones like the others.
SELECT language, country, status, count(*) FROM crm_contact GROUP BY 1, 2, 3
