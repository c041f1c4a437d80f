-- Title:   Sums over features, in a resampled text
-- Grain:   replicate, supported, language
-- Reads:   drawn_languages, drawn_entropies, features
-- Support is held fixed. Sums are of decimals, so they are exact.
select
    classes.replicate,
    features.supported,
    classes.language,
    count(*) as n,
    count(classes.language_exclusive) as n_exclusive,
    count(*) filter (where classes.language_exclusive = 'mixed') as n_mixed_exclusive,
    count(*) filter (where entropies.n_tokens = 1) as n_single_token,
    sum(entropies.monosemanticity::decimal(18, 15)) as monosemanticity,
    sum(entropies.token_entropy::decimal(18, 15)) as token_entropy,
    sum(entropies.semantic_entropy::decimal(18, 15)) as semantic_entropy,
    sum(classes.mean_span::decimal(38, 15)) as mean_span
from drawn_languages as classes
inner join drawn_entropies as entropies
    on
        classes.replicate = entropies.replicate
        and classes.feature = entropies.feature
inner join features on classes.feature = features.feature
group by classes.replicate, features.supported, classes.language
