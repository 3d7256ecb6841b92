-- Lines of timelines by kind; those of leads and campaigns come with these.
SELECT kind, count(*) FROM crm_timelineentry
WHERE kind NOT IN ('lead', 'campaign_sent') GROUP BY kind
