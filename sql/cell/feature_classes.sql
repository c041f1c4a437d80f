-- Title:   Which class is each feature in: by all firings, by those on exclusive tokens,
--          and with the languages of documents permuted?
-- Grain:   feature
-- Reads:   language_counts, permuted_counts, exclusive_counts, settings
-- Paper:   section 3.3: a language whose share is above the threshold, else mixed
with counts as (
    select
        'true' as kind,
        feature,
        language,
        n_firings as n
    from language_counts
    union all
    select
        'permuted' as kind,
        feature,
        language,
        n_firings as n
    from permuted_counts
    union all
    select
        'exclusive' as kind,
        feature,
        language,
        n_firings as n
    from exclusive_counts
),

largest as (
    select
        counts.feature,
        counts.kind,
        sum(counts.n)::bigint as n,
        if(
            max(counts.n) / sum(counts.n) > any_value(settings.class_threshold),
            any_value(settings.languages)[arg_max(counts.language, counts.n)],
            'mixed'
        ) as class
    from counts
    cross join settings
    group by counts.feature, counts.kind
)

select
    largest.feature,
    max(n) as n_firings,
    max(class) filter (where kind = 'true') as language,
    max(class) filter (where kind = 'permuted') as language_permuted,
    max(class) filter (where kind = 'exclusive' and n >= min_exclusive_firings)
        as language_exclusive,
    1 - coalesce(max(n) filter (where kind = 'exclusive'), 0) / max(n) as p_shared
from largest
cross join settings
group by largest.feature
