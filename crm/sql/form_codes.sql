-- The codes of the forms that brought a lead, in order. Reads only.
-- A loose scan: one look-up per distinct code in the index lead_by_form, however many leads.
WITH RECURSIVE codes AS (
    SELECT min(form_code) AS code FROM crm_lead
    UNION ALL
    SELECT (SELECT min(l.form_code) FROM crm_lead l WHERE l.form_code > codes.code)
    FROM codes WHERE codes.code IS NOT NULL
)
SELECT code FROM codes WHERE code IS NOT NULL
