-- Title:   How often is each document drawn, in replicates that are summed together?
-- Grain:   document
-- Kept:    as a table, because several views read it
-- Reads:   drawn_documents
-- Sixteen weights are summed at a time, so they are packed: replicates 4 i to 4 i + 3 share
-- one number of 128 bits, 31 bits apart.
with packed as (
    select
        document,
        replicate // 4 % 4 as slot,
        weight::hugeint << (31 * (replicate % 4)) as weight
    from drawn_documents
)

select
    document,
    coalesce(sum(weight) filter (where slot = 0), 0)::hugeint as weights_0,
    coalesce(sum(weight) filter (where slot = 1), 0)::hugeint as weights_1,
    coalesce(sum(weight) filter (where slot = 2), 0)::hugeint as weights_2,
    coalesce(sum(weight) filter (where slot = 3), 0)::hugeint as weights_3
from packed
group by document
