-- Moves what is scheduled and due to starting, and says so in its history. Returns the ids. Two
-- beats may ask at once: the state is asked again behind the row's lock, so one of them moves it.
-- Index: plan_start.
WITH due AS (
    UPDATE campaigns_campaign k
    SET state = 'starting', updated_at = %(now)s
    FROM campaigns_launchplan p
    WHERE p.campaign_id = k.id AND k.state = 'scheduled' AND k.mode = 'newsletter'
      AND p.start_at <= %(now)s
    RETURNING k.id
), cleared AS (
    UPDATE campaigns_launchplan p SET freezing_at = NULL FROM due WHERE p.campaign_id = due.id
), noted AS (
    INSERT INTO campaigns_statechange (campaign_id, at, from_state, to_state, reason)
    SELECT id, %(now)s, 'scheduled', 'starting', 'due' FROM due
)
SELECT id FROM due
