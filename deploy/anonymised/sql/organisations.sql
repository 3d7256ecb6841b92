-- Organisations by country.
SELECT country, count(*) FROM crm_organisation GROUP BY country
