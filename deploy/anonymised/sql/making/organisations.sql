-- Companies without a name: theirs is in the vault, and nobody looked.
INSERT INTO crm_organisation (id, country, created_at)
SELECT gen_random_uuid(), %(country)s, %(now)s - random() * interval '1000 days'
FROM generate_series(1, %(n)s)
