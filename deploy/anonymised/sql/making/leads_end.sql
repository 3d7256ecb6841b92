-- Nothing of the order stays.
DROP TABLE lead_order, lead_place, lead_taken
