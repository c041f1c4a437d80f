-- Title:   In which class is each feature, and how long are its spans, in a resampled text?
-- Grain:   replicate, feature; features that fire in it
-- Reads:   feature_documents, weights, draws, settings
-- Paper:   sections 3.3 and 4.2, as in `feature_classes` and `firing_spans`
with summed as (
    select
        fired.feature,
        fired.language,
        [
            sum(fired.n_firings * weights_0), sum(fired.n_firings * weights_1),
            sum(fired.n_firings * weights_2), sum(fired.n_firings * weights_3)
        ] as firings,
        [
            sum(fired.n_exclusive * weights_0), sum(fired.n_exclusive * weights_1),
            sum(fired.n_exclusive * weights_2), sum(fired.n_exclusive * weights_3)
        ] as exclusive,
        [
            sum(fired.n_runs * weights_0), sum(fired.n_runs * weights_1),
            sum(fired.n_runs * weights_2), sum(fired.n_runs * weights_3)
        ] as runs
    from feature_documents as fired
    inner join weights on fired.document = weights.document
    group by fired.feature, fired.language
),

drawn as (
    select
        summed.feature,
        summed.language,
        draws.replicate,
        draws.replicate // 4 % 4 + 1 as slot,
        31 * (draws.replicate % 4) as bits,
        (firings[slot] >> bits & 2147483647)::bigint as n_firings,
        (exclusive[slot] >> bits & 2147483647)::bigint as n_exclusive,
        (runs[slot] >> bits & 2147483647)::bigint as n_runs
    from summed
    cross join draws
),

counted as (
    select
        replicate,
        feature,
        sum(n_firings)::double as n_firings,
        sum(n_exclusive)::double as n_exclusive,
        sum(n_runs)::double as n_runs,
        arg_max(language, n_firings) as language,
        max(n_firings) as n_language,
        arg_max(language, n_exclusive) as language_exclusive,
        max(n_exclusive) as n_language_exclusive
    from drawn
    group by replicate, feature
)

select
    counted.replicate,
    counted.feature,
    if(n_language / n_firings > settings.class_threshold, language, 'mixed') as language,
    case
        when n_exclusive < settings.min_exclusive_firings then null
        when n_language_exclusive / n_exclusive > settings.class_threshold
            then language_exclusive
        else 'mixed'
    end as language_exclusive,
    n_firings / n_runs as mean_span
from counted
cross join settings
where n_firings > 0
