-- Refusals of nobody: random bytes where the keyed fingerprint of an address would be.
INSERT INTO consent_suppression (kind, fingerprint, epoch, purpose_code, is_wide, reason, created_at)
SELECT %(k0)s, decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), 1, %(k1)s, %(k3)s, %(k2)s,
    %(now)s - random() * interval '730 days'
FROM generate_series(1, %(n)s)
