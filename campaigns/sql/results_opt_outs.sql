-- Who said no to the purpose of a campaign within so many days after its message left, when no later
-- message of that purpose had reached them: (method, variant, people). Links say no to a purpose
-- and name no campaign, so this is the nearest that can be said. The first such "no" of each person
-- counts, also if it was taken back since.
-- It begins with the few who said no, not with the audience.
-- Indexes: ledger_noes, delivery_of_contact.
WITH noes AS MATERIALIZED (
    SELECT n.subject_id, n.event_at, n.method
    FROM campaigns_campaign k
    JOIN LATERAL consent_noes(k.purpose_id, 'email') n
        ON n.event_at >= k.launched_at
        AND n.event_at < coalesce(k.finished_at, now()) + %(days)s * interval '1 day'
    WHERE k.id = %(campaign)s
), followed AS (
    SELECT DISTINCT ON (n.subject_id) n.method, d.variant
    FROM noes n
    JOIN campaigns_delivery d ON d.campaign_id = %(campaign)s AND d.contact_id = n.subject_id
        AND d.state = 5
    JOIN campaigns_campaign k ON k.id = d.campaign_id
    WHERE n.event_at >= d.handing_at
      AND n.event_at < d.handing_at + %(days)s * interval '1 day'
      AND NOT EXISTS (
        SELECT 1 FROM campaigns_delivery later
        JOIN campaigns_campaign other ON other.id = later.campaign_id
        WHERE later.contact_id = d.contact_id AND later.id <> d.id AND later.state = 5
          AND other.purpose_id = k.purpose_id
          AND later.handing_at > d.handing_at AND later.handing_at <= n.event_at)
    ORDER BY n.subject_id, n.event_at
)
SELECT method, variant, count(*) FROM followed GROUP BY method, variant ORDER BY method, variant
