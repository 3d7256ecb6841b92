-- How many contacts have how many leads.
SELECT leads, count(*) FROM (
    SELECT count(*) AS leads FROM crm_lead GROUP BY contact_id
) AS counted GROUP BY leads
