-- How often people want to hear from us, and whether they asked for a pause.
SELECT coalesce(every_days, 0), paused_until IS NOT NULL, count(*)
FROM consent_mailingpreference GROUP BY 1, 2
