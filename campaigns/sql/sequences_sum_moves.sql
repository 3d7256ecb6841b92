-- Sums the rows that count who came and went into one per version and step. Rows that somebody
-- else is summing are left to them. Returns how many rows it took.
-- Index: primary key.
WITH taken AS (
    DELETE FROM campaigns_stepmove
    WHERE id IN (SELECT id FROM campaigns_stepmove ORDER BY id LIMIT %(size)s
                 FOR UPDATE SKIP LOCKED)
    RETURNING version_id, step, here, entered
), summed AS (
    INSERT INTO campaigns_stepmove (version_id, step, here, entered)
    SELECT version_id, step, sum(here), sum(entered) FROM taken
    GROUP BY version_id, step
    HAVING sum(here) <> 0 OR sum(entered) <> 0
)
SELECT count(*) FROM taken
