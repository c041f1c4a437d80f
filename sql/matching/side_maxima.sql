-- Title:   How much does each feature overlap with any feature of the other cell, among some?
-- Grain:   is_permuted, is_to, feature
-- Reads:   candidates, passes
-- held: the largest share of its firings that a feature of the other cell holds. holds: the
-- largest share of another's firings that it holds. Its parts are those of which it holds
-- half.
with sides as (
    select
        false as is_to,
        feature,
        feature_to as other,
        jaccard,
        held,
        held_to as holds
    from candidates
    union all
    select
        true as is_to,
        feature_to as feature,
        feature as other,
        jaccard,
        held_to as held,
        held as holds
    from candidates
)

select
    passes.is_permuted,
    sides.is_to,
    sides.feature,
    max((sides.jaccard, -sides.other)) as best,
    max(sides.held) as held,
    max(sides.holds) as holds,
    count(*) filter (where sides.holds >= 0.5::double) as n_parts
from sides
cross join passes
group by passes.is_permuted, sides.is_to, sides.feature
