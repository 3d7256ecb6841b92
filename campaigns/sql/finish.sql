-- Ends the running campaigns in which no message is open any more, and says so in their history.
-- A mail of a sequence is never finished by itself: people go on arriving at its step.
-- Returns their ids. Two workers may ask at once: the guard on the state lets one of them through.
-- Index: delivery_by_state.
WITH done AS (
    UPDATE campaigns_campaign k
    SET state = 'finished', finished_at = %(now)s, updated_at = %(now)s, halted_reason = ''
    WHERE k.state = 'running' AND k.mode = 'newsletter'
      AND (%(campaign)s::uuid IS NULL OR k.id = %(campaign)s)
      AND NOT EXISTS (
          SELECT 1 FROM campaigns_delivery d
          WHERE d.campaign_id = k.id AND d.state IN (1, 2, 3, 4, 10))
    RETURNING k.id
), noted AS (
    INSERT INTO campaigns_statechange (campaign_id, at, from_state, to_state, reason)
    SELECT id, %(now)s, 'running', 'finished', '' FROM done
)
SELECT id FROM done
