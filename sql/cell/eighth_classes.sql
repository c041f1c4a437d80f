-- Title:   Is each feature mixed on an eighth of the text?
-- Grain:   feature, eighth; features that fire in it
-- Reads:   part_counts, settings
-- Paper:   section 3.3, as in `feature_classes`
-- Maximum, firings and class are of the eighth alone. is_mixed_exclusive is null where there
-- are too few firings on exclusive tokens.
with listed as (
    select
        feature,
        eighth,
        'true' as kind,
        language,
        sum(n_eighth) as n
    from part_counts
    group by feature, eighth, language
    union all
    select
        feature,
        eighth,
        'exclusive' as kind,
        own_language as language,
        sum(n_eighth) as n
    from part_counts
    where own_language > 0
    group by feature, eighth, own_language
),

summed as (
    select
        feature,
        eighth,
        kind,
        sum(n) as n,
        max(n) / nullif(sum(n), 0) as share
    from listed
    group by feature, eighth, kind
)

select
    summed.feature,
    summed.eighth,
    bool_or(summed.share <= settings.class_threshold) filter (where summed.kind = 'true')
        as is_mixed,
    bool_or(summed.share <= settings.class_threshold) filter (
        where summed.kind = 'exclusive' and summed.n >= settings.min_exclusive_firings
    ) as is_mixed_exclusive
from summed
cross join settings
group by summed.feature, summed.eighth
having max(summed.n) filter (where summed.kind = 'true') > 0
