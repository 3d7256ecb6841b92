-- Half of the contacts who are professionals belong to some organisation.
UPDATE crm_contact c SET organisation_id = o.id
FROM (
    SELECT id, row_number() OVER (ORDER BY random()) AS place, count(*) OVER () AS n
    FROM crm_organisation
) AS o,
(SELECT id, row_number() OVER (ORDER BY random()) AS place FROM crm_contact WHERE is_professional)
    AS k
WHERE c.id = k.id AND k.place %% 2 = 0 AND o.place = 1 + (k.place / 2) %% o.n
