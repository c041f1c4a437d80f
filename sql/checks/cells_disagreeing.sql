-- Title:   In which cells do two tables not say the same of each feature?
-- Grain:   about, size, step, layer
-- Reads:   features_counted, feature_languages_counted, clusters_counted, firings_counted
-- By sums over the cell, weighted by the feature; the checks then look feature by feature.
-- The first three cells of each kind: enough to name rows by, and little to read.
with features as (
    select
        size,
        step,
        layer,
        sum(weights) as weights,
        sum(firings) as firings,
        sum(tokens) as tokens,
        sum(clusters) as clusters,
        sum(digests) as digests
    from features_counted
    group by size, step, layer
),

languages as (
    select
        size,
        step,
        layer,
        sum(firings) as firings,
        sum(firings * (hash(language) % 65536)::bigint) as languages,
        sum(shares) as shares
    from feature_languages_counted
    group by size, step, layer
),

compared as (
    select
        size,
        step,
        layer,
        (features.firings is distinct from languages.firings) as in_sums,
        (abs(languages.shares / features.weights - 1) <= 2e-15) is not true as in_shares,
        (
            features.tokens is distinct from clusters.tokens
            or features.clusters is distinct from clusters.clusters
        ) as in_clusters,
        (features.digests is distinct from firings.digests) as in_firings,
        (languages.languages is distinct from firings.languages) as in_languages
    from features
    full join languages using (size, step, layer)
    full join clusters_counted as clusters using (size, step, layer)
    full join firings_counted as firings using (size, step, layer)
)

select
    about,
    size,
    step,
    layer
from compared
cross join
    lateral (
        values
        ('sums', in_sums),
        ('shares', in_shares),
        ('clusters', in_clusters),
        ('firings', in_firings),
        ('languages', in_languages)
    ) as item (about, differs)
where differs
qualify row_number() over (partition by about order by size, step, layer) <= 3
