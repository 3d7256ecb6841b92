-- Contacts in an order that means nothing, and the places of leads that they will have.
CREATE TEMPORARY TABLE lead_order AS
SELECT id, created_at, row_number() OVER (ORDER BY random()) AS place FROM crm_contact;
CREATE TEMPORARY TABLE lead_place (place bigint GENERATED ALWAYS AS IDENTITY, contact_id uuid,
    since timestamptz);
CREATE TEMPORARY TABLE lead_taken (contacts bigint, leads bigint);
INSERT INTO lead_taken VALUES (0, 0)
