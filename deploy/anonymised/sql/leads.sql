-- Leads by form (its rank), state, and whether somebody wrote something.
SELECT dense_rank() OVER (ORDER BY form_code), state, has_message, count(*),
    count(DISTINCT contact_id)
FROM crm_lead GROUP BY form_code, state, has_message
