-- A later round takes up messages that did not leave: failed, and (only where somebody chose that)
-- those of which nobody knows. What is sent is not touched, nor what the gate left out.
-- The tries begin anew. Returns (state before, messages).
-- Index: delivery_by_state.
WITH taken AS (
    SELECT d.id, d.state
    FROM campaigns_delivery d
    WHERE d.campaign_id = %(campaign)s AND d.kind = 1
      AND (d.state = 7 AND %(with_failed)s OR d.state = 9 AND %(with_unknown)s)
    FOR UPDATE
), moved AS (
    UPDATE campaigns_delivery d
    SET state = 1, round = %(round)s, worker = '', lease_until = NULL, attempts = 0, reason = '',
        evidence = '', due_at = clock_timestamp(), finished_at = NULL
    FROM taken
    WHERE d.id = taken.id
    RETURNING taken.state
)
SELECT state, count(*) FROM moved GROUP BY state
