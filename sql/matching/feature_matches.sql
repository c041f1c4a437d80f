-- Title:   Which features of another cell does each feature resemble most?
-- Grain:   feature, feature_to; the three best of each feature of either cell
-- Reads:   all_candidates, candidate_cosines, start_cosines
-- By the Jaccard index of their firings on the evaluation text. rank and margin (the Jaccard
-- index less that of the feature's best other candidate) are null beyond the third candidate;
-- rank_to and margin_to are those from the other cell's side. cosine: of their directions, null
-- between sizes. start_cosine: of a direction and the random one that it started from.
with ranked as (
    select
        *,
        row_number() over (
            partition by feature order by jaccard desc, feature_to asc
        ) as rank,
        row_number() over (
            partition by feature_to order by jaccard desc, feature asc
        ) as rank_to
    from all_candidates
),

two as (
    select
        feature,
        max(jaccard, 2) as best
    from all_candidates
    group by feature
),

two_to as (
    select
        feature_to,
        max(jaccard, 2) as best
    from all_candidates
    group by feature_to
)

select
    ranked.feature,
    ranked.feature_to,
    ranked.n_both,
    ranked.jaccard,
    ranked.containment,
    ranked.containment_to,
    if(ranked.rank <= 3, ranked.rank, null) as rank,
    if(ranked.rank_to <= 3, ranked.rank_to, null) as rank_to,
    ranked.rank = 1 and ranked.rank_to = 1 as mutual,
    if(
        ranked.rank <= 3,
        ranked.jaccard - coalesce(two.best[if(ranked.rank = 1, 2, 1)], 0),
        null
    ) as margin,
    if(
        ranked.rank_to <= 3,
        ranked.jaccard - coalesce(two_to.best[if(ranked.rank_to = 1, 2, 1)], 0),
        null
    ) as margin_to,
    candidate_cosines.cosine,
    starts.start_cosine,
    starts_to.start_cosine as start_cosine_to
from ranked
inner join two on ranked.feature = two.feature
inner join two_to on ranked.feature_to = two_to.feature_to
inner join candidate_cosines
    on
        ranked.feature = candidate_cosines.feature
        and ranked.feature_to = candidate_cosines.feature_to
inner join start_cosines as starts
    on ranked.feature = starts.feature and not starts.is_to
inner join start_cosines as starts_to
    on ranked.feature_to = starts_to.feature and starts_to.is_to
