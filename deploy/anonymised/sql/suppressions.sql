-- Kept refusals by what they are about.
SELECT kind, CASE WHEN purpose_code = '' OR purpose_code = ANY (%(known)s) THEN purpose_code
    ELSE 'newsletter' END, reason, is_wide, count(*)
FROM consent_suppression GROUP BY 1, 2, 3, 4
