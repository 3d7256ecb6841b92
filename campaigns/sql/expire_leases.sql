-- Takes back what dead workers held. Claimed: nothing was written, so back to the queue (or
-- skipped, if the campaign was cancelled). Handing: the relay may have the message. Where the
-- relay's own log can be asked (campaigns/delivery/doubts.py), it waits in doubt for that. Where
-- not, a newsletter or a message to one person becomes unknown and is never sent again; a required
-- letter is, under the same Message-ID, and so is a message to one person that the law requires. The lease is longer than the relay's idle time-out: a
-- worker that only slept finds its session closed. Returns (state, rows).
-- Index: delivery_leased.
WITH expired AS MATERIALIZED (
    SELECT d.id, d.state, d.kind, k.state AS campaign_state,
           coalesce(t.is_required, false) AS is_required
    FROM campaigns_delivery d
    LEFT JOIN campaigns_campaign k ON k.id = d.campaign_id
    LEFT JOIN campaigns_transactionalmessage t ON t.id = d.reference_id AND d.kind = 7
    WHERE d.state IN (2, 3) AND d.lease_until < clock_timestamp()
    ORDER BY d.id
    LIMIT 5000
    FOR UPDATE OF d SKIP LOCKED
), verdict AS (
    SELECT e.id,
           CASE WHEN e.state = 3 AND %(has_evidence)s THEN 4
                WHEN e.state = 3 AND e.kind NOT IN (2, 4, 5) AND NOT e.is_required THEN 9
                WHEN e.campaign_state = 'cancelled' THEN 6
                ELSE 1 END AS state
    FROM expired e
), moved AS (
    UPDATE campaigns_delivery d
    SET state = v.state, lease_until = NULL, due_at = clock_timestamp(),
        worker = CASE WHEN v.state = 1 THEN '' ELSE d.worker END,
        reason = CASE v.state WHEN 9 THEN 'hand_over_unproven' WHEN 6 THEN 'cancelled' ELSE '' END,
        finished_at = CASE WHEN v.state > 4 THEN clock_timestamp() END
    FROM verdict v
    WHERE d.id = v.id
    RETURNING d.state
)
SELECT state, count(*) FROM moved GROUP BY state
