-- Closes what still waits in the queue of a cancelled campaign, or is held back in it; what a worker holds is closed by
-- the gate or by the sweep.
-- Index: delivery_by_state.
UPDATE campaigns_delivery d
SET state = 6, reason = 'cancelled', finished_at = clock_timestamp()
FROM campaigns_campaign k
WHERE k.id = d.campaign_id AND k.state = 'cancelled' AND d.state IN (1, 10)
  AND (%(campaign)s::uuid IS NULL OR d.campaign_id = %(campaign)s)
