-- Gives the variant that was chosen to everybody who was held back, and lets them go. Who would
-- have had their message at an hour of their own that is not over keeps it. Returns how many.
-- Index: delivery_by_state.
WITH freed AS (
    UPDATE campaigns_delivery
    SET state = 1, variant = %(variant)s, due_at = greatest(due_at, clock_timestamp())
    WHERE campaign_id = %(campaign)s AND state = 10
    RETURNING id
)
SELECT count(*) FROM freed
