-- Lines of timelines by kind; those of leads and campaigns come with these.
SELECT kind, count(*), count(DISTINCT contact_id) FROM crm_timelineentry
WHERE kind NOT IN ('lead', 'campaign_sent') GROUP BY kind
