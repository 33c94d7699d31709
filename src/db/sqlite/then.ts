/*
 * SQL that reads the past: `?1` is the last position of the wanted revision, `h` a row of heads. SQLite itself steps back through
 * each key's chain (see chain.ts), so that a list of the past is one scan of heads, and only what it wants comes out of SQLite.
 */

/** Position of the change that held then; 0 or null if there was none. A jump that is not too far is taken, else one step. */
export const positionThen = `CASE WHEN h.position <= ?1 THEN h.position ELSE (
  WITH RECURSIVE back(position) AS (
    SELECT CASE WHEN h.jump > ?1 THEN h.jump ELSE (SELECT previous FROM log WHERE position = h.position) END
    UNION ALL
    SELECT CASE WHEN link.jump > ?1 THEN link.jump ELSE link.previous END
    FROM back CROSS JOIN log link ON link.position = back.position WHERE back.position > ?1)
  SELECT position FROM back WHERE position <= ?1) END`

/** Each key's state then, with the whole value from which it may differ. */
export const atThen = `SELECT h.key, l.position, l.created, l.base, l.value, w.value AS whole
  FROM heads h CROSS JOIN log l ON l.position = ${positionThen} LEFT JOIN log w ON l.base > 0 AND w.position = l.base`

/** The heads between `?2` and `?3` of keys that may have been there: those made later, or that are and were deleted, need no look at the log. */
export const headsThen = 'h.key >= ?2 AND h.key < ?3 AND h.first <= ?1 AND (h.created > 0 OR h.position > ?1)'
