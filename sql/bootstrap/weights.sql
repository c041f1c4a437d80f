-- Title:   How often is each document drawn, in each replicate of the text?
-- Grain:   document
-- Reads:   documents, draws
-- A document is drawn as often as a Poisson variable of mean 1 says: so often on average,
-- and as variable, as if as many documents were drawn with replacement. It comes from a
-- seeded hash: md5 gives four numbers of 32 bits, one for each of four replicates, and
-- the weight is how many of Poisson's cumulative probabilities the number reaches.
-- Weights are summed sixteen at a time, so they are packed: replicates 4 i to 4 i + 3
-- stand in one number of 128 bits, 31 bits apart.
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
        hashed.pack % 4 as place,
        lanes.lane,
        concat('0x', substr(hashed.digits, 1 + 8 * lanes.lane, 8))::bigint / 2 ^ 32 as u
    from hashed
    cross join range(4) as lanes (lane)
),

drawn as (
    select
        document,
        place,
        (
            (u >= 0.36787944117144233)::hugeint
            + (u >= 0.7357588823428847)::int
            + (u >= 0.9196986029286058)::int
            + (u >= 0.9810118431238462)::int
            + (u >= 0.9963401531726563)::int
            + (u >= 0.9994058151824183)::int
            + (u >= 0.9999167588507119)::int
            + (u >= 0.9999897508033253)::int
            + (u >= 0.9999988747974020)::int
            + (u >= 0.9999998885745217)::int
        ) << (31 * lane)::int as packed
    from uniform
)

select
    document,
    coalesce(sum(packed) filter (where place = 0), 0)::hugeint as weights_0,
    coalesce(sum(packed) filter (where place = 1), 0)::hugeint as weights_1,
    coalesce(sum(packed) filter (where place = 2), 0)::hugeint as weights_2,
    coalesce(sum(packed) filter (where place = 3), 0)::hugeint as weights_3
from drawn
group by document
