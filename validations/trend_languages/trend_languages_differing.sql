-- Check:   Every share of a class is that of its features, recounted
-- Why:     Otherwise the share describes other features.
-- Guards:  trend_languages: recomputed from features in plain SQL
-- Grain:   size, step, layer, population, language
-- Reads:   trend_languages, features_counted, cells
-- In the population `all` a dead feature counts as mixed.
with populations as (
    select
        population,
        unsupported
    from (values ('all', true), ('alive', true), ('supported', false))
        as listed (population, unsupported)
),

counted as (
    select
        features.size,
        features.step,
        features.layer,
        populations.population,
        features.language,
        sum(features.n) as n
    from features_counted as features
    inner join populations on features.supported or populations.unsupported
    group by all
    union all
    select
        size,
        step,
        layer,
        'all' as population,
        'mixed' as language,
        n_dead as n
    from cells
),

shares as (
    select
        size,
        step,
        layer,
        population,
        language,
        sum(n) as n_features,
        sum(n) / sum(sum(n)) over (partition by size, step, layer, population) as share
    from counted
    group by size, step, layer, population, language
)

select
    classes.size,
    classes.step,
    classes.layer,
    classes.population,
    classes.language,
    classes.n_features,
    shares.n_features as n_features_counted,
    classes.share,
    shares.share as share_counted
from trend_languages as classes
left join shares using (size, step, layer, population, language)
where
    classes.n_features is distinct from coalesce(shares.n_features, 0)
    or abs(classes.share - coalesce(shares.share, 0)) > 1e-12
    or (classes.share is null and shares.share is not null)
