-- Title:   Do monolingual features become mixed, or are mixed ones born?
-- Grain:   size, layer, step, last_class, origin; every origin has a row
-- Reads:   origin_shares, features
-- Of the supported features that are mixed, or monolingual, at the last step: the share of each
-- origin at an earlier step, with Wilson's interval, over features alone. share_null: with
-- documents permuted. share_chance: if the matched ones were matched with random supported
-- features of the earlier step. share_seeds: what they are for another seed at the last step,
-- so the most that can be found again; null without another seed. share_best_monolingual: of
-- the features of this origin, those whose best match, however good, is monolingual.
with earlier as (
    select
        size,
        layer,
        step,
        state_of(language, monosemanticity, monosemanticity_null) as origin,
        count(*) / sum(count(*)) over (partition by size, layer, step) as share
    from features
    where supported
    group by size, layer, step, origin
),

matched as (
    select
        size,
        layer,
        step,
        last_class,
        sum(n) / max(n_features) as share
    from origin_shares
    where kind = 'own' and origin in ('monolingual', 'mixed', 'polysemantic')
    group by size, layer, step, last_class
)

select
    own.size,
    own.layer,
    own.step,
    own.last_class,
    own.origin,
    own.n_features,
    own.n,
    own.share,
    wilson_low(own.share, own.n_features) as share_low,
    wilson_high(own.share, own.n_features) as share_high,
    nulls.share as share_null,
    matched.share * coalesce(earlier.share, 0) as share_chance,
    seeds.share as share_seeds,
    own.share_best_monolingual
from origin_shares as own
inner join matched using (size, layer, step, last_class)
left join earlier using (size, layer, step, origin)
left join origin_shares as nulls
    on
        nulls.kind = 'null'
        and own.size = nulls.size
        and own.layer = nulls.layer
        and own.step = nulls.step
        and own.last_class = nulls.last_class
        and own.origin = nulls.origin
left join origin_shares as seeds
    on
        seeds.kind = 'seeds'
        and own.size = seeds.size
        and own.layer = seeds.layer
        and own.last_class = seeds.last_class
        and own.origin = seeds.origin
where own.kind = 'own'
