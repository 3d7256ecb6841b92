-- The next so many contacts have so many leads each.
INSERT INTO lead_place (contact_id, since)
SELECT o.id, o.created_at FROM lead_order o, lead_taken t, generate_series(1, %(each)s)
WHERE o.place > t.contacts AND o.place <= t.contacts + %(n)s
ORDER BY random();
UPDATE lead_taken SET contacts = contacts + %(n)s
