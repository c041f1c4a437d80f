-- Title:   Which are the three best candidates of each feature, among those of some features?
-- Grain:   feature, feature_to
-- Reads:   candidates
-- By Jaccard index, ties to the lower feature.
with listed as (
    select
        feature,
        unnest(max((jaccard, -feature_to), 3)) as candidate
    from candidates
    group by feature
),

listed_to as (
    select
        feature_to,
        unnest(max((jaccard, -feature), 3)) as candidate
    from candidates
    group by feature_to
),

best as (
    select
        feature,
        -candidate[2] as feature_to
    from listed
    union
    select
        -candidate[2] as feature,
        feature_to
    from listed_to
)

select
    candidates.feature,
    candidates.feature_to,
    candidates.n_both,
    candidates.jaccard,
    candidates.containment,
    candidates.containment_to
from candidates
semi join best
    on
        candidates.feature = best.feature
        and candidates.feature_to = best.feature_to
