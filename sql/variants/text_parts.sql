-- Title:   How many features are mixed on each part of the text, of all, and of the even and
--          the odd ones?
-- Grain:   documents, features; every pair has a row
-- Reads:   eighth_classes, feature_metrics, variant_names
-- Parts: the eighths 0 to 7, and the two halves. Maxima, firings and classes are of the part
-- alone, so parts differ as texts of their size do. Alive features: those that fire in it.
with classes as (
    select
        eighth::varchar as documents,
        feature,
        is_mixed,
        is_mixed_exclusive
    from eighth_classes
    union all
    select
        variant_names.value as documents,
        feature_metrics.feature,
        feature_metrics.language = 'mixed' as is_mixed,
        feature_metrics.language_exclusive = 'mixed' as is_mixed_exclusive
    from feature_metrics
    inner join variant_names on feature_metrics.variant = variant_names.variant
    where
        variant_names.table_name = 'eval_size'
        and variant_names.value in ('half', 'other half')
),

parts as (
    select
        listed_documents.documents,
        listed_features.features
    from
        (
            values ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7'), ('half'), ('other half')
        ) as listed_documents (documents)
    cross join (values ('all'), ('even'), ('odd')) as listed_features (features)
)

select
    parts.documents,
    parts.features,
    count(classes.feature) as n_features,
    count(*) filter (where classes.is_mixed) as n_mixed,
    count(classes.is_mixed_exclusive) as n_exclusive,
    count(*) filter (where classes.is_mixed_exclusive) as n_mixed_exclusive
from parts
left join classes
    on
        parts.documents = classes.documents
        and parts.features in ('all', if(classes.feature % 2 = 0, 'even', 'odd'))
group by parts.documents, parts.features
