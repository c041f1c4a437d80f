-- Title:   How often is each document drawn, in each replicate of the text?
-- Grain:   document, replicate
-- Kept:    as a table, because several views read it
-- Reads:   documents, draws
-- Poisson bootstrap: the number of draws of a document is a Poisson variable with mean 1,
-- which approximates drawing documents with replacement. It comes from a seeded hash: md5
-- gives four numbers of 32 bits, one for each of four replicates, and the weight is the
-- number of Poisson's cumulative probabilities that it reaches.
with packs as (
    select distinct
        seed,
        replicate // 4 as pack
    from draws
),

hashed as (
    select
        documents.document,
        packs.pack,
        md5(concat(packs.seed, ':', packs.pack, ':', documents.document)) as digits
    from documents
    cross join packs
),

uniform as (
    select
        hashed.document,
        4 * hashed.pack + lanes.lane::int as replicate,
        concat('0x', substr(hashed.digits, 1 + 8 * lanes.lane, 8))::bigint / 2 ^ 32 as u
    from hashed
    cross join range(4) as lanes (lane)
)

select
    document,
    replicate,
    (u >= 0.36787944117144233)::int
    + (u >= 0.7357588823428847)::int
    + (u >= 0.9196986029286058)::int
    + (u >= 0.9810118431238462)::int
    + (u >= 0.9963401531726563)::int
    + (u >= 0.9994058151824183)::int
    + (u >= 0.9999167588507119)::int
    + (u >= 0.9999897508033253)::int
    + (u >= 0.9999988747974020)::int
    + (u >= 0.9999998885745217)::int as weight
from uniform
