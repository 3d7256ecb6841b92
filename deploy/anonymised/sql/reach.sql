-- By what contacts can be reached, and in which capacity.
SELECT is_professional, has_phone, organisation_id IS NOT NULL, restricted_at IS NOT NULL,
    unreachable_at IS NOT NULL, count(*)
FROM crm_contact GROUP BY 1, 2, 3, 4, 5
