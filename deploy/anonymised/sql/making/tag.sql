-- So many contacts, any, get the tag.
INSERT INTO crm_tag (slug, title) VALUES (%(slug)s, %(slug)s);
INSERT INTO crm_contacttag (contact_id, tag_id, tagged_at)
SELECT id, %(slug)s, created_at + random() * (%(now)s - created_at)
FROM crm_contact ORDER BY random() LIMIT %(n)s
