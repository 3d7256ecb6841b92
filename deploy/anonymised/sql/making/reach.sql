-- What receiving many people does not set: capacity, restriction, an address that bounced. Who
-- belongs to an organisation is set when there are some (members.sql); has_phone came with them.
UPDATE crm_contact c
SET is_professional = (r.reach ->> 'is_professional')::boolean,
    restricted_at = CASE WHEN (r.reach ->> 'is_restricted')::boolean
        THEN c.created_at + random() * (%(now)s - c.created_at) END,
    unreachable_at = CASE WHEN (r.reach ->> 'is_unreachable')::boolean
        THEN c.created_at + random() * (%(now)s - c.created_at) END
FROM unnest(%(ids)s::uuid[], %(reach)s::jsonb[]) AS r (id, reach)
WHERE c.id = r.id
