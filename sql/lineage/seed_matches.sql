-- Title:   How many features does an autoencoder with another seed find again?
-- Grain:   size, step, layer, seed_to
-- Reads:   matched_features, feature_matches, cells
-- Of the supported features of a cell; n_unlearned of them were not learned and are left out.
-- matched_null: with documents permuted, of features with odd numbers. mean_jaccard: of the
-- best match, however good. median_cosine: of the directions of matched features.
with counts as (
    select
        matched.size,
        matched.step,
        matched.layer,
        matched.seed_to,
        count(*) filter (where not matched.is_permuted and matched.fate <> 'unlearned')
            as n_features,
        count(*) filter (where not matched.is_permuted and matched.fate = 'unlearned')
            as n_unlearned,
        count(*) filter (where not matched.is_permuted and matched.fate = 'match') as n_matched,
        count(*) filter (
            where matched.is_permuted
            and matched.feature % 2 = 1
            and matched.fate <> 'unlearned'
        ) as n_null,
        count(*) filter (
            where matched.is_permuted and matched.feature % 2 = 1 and matched.fate = 'match'
        ) as n_matched_null,
        avg(matched.jaccard::decimal(18, 15)) filter (
            where not matched.is_permuted and matched.fate <> 'unlearned'
        ) as mean_jaccard
    from matched_features as matched
    inner join cells using (size, step, layer)
    where
        matched.seed_to <> cells.seed
        and not matched.is_to
        and (matched.size, matched.step, matched.layer)
        = (matched.size_to, matched.step_to, matched.layer_to)
    group by matched.size, matched.step, matched.layer, matched.seed_to
),

cosines as (
    select
        matches.size,
        matches.step,
        matches.layer,
        matches.seed_to,
        median(matches.cosine) as median_cosine
    from feature_matches as matches
    inner join matched_features as matched
        using (size, step, layer, seed_to, size_to, step_to, layer_to, feature)
    where
        matches.mutual
        and matched.fate = 'match'
        and not matched.is_to
        and not matched.is_permuted
        and (matches.size, matches.step, matches.layer)
        = (matches.size_to, matches.step_to, matches.layer_to)
    group by matches.size, matches.step, matches.layer, matches.seed_to
)

select
    counts.size,
    counts.step,
    counts.layer,
    counts.seed_to,
    counts.n_unlearned,
    counts.n_features,
    counts.n_matched / nullif(counts.n_features, 0) as matched,
    wilson_low(matched, counts.n_features) as matched_low,
    wilson_high(matched, counts.n_features) as matched_high,
    counts.n_matched_null / nullif(counts.n_null, 0) as matched_null,
    counts.mean_jaccard::double as mean_jaccard,
    cosines.median_cosine
from counts
left join cosines using (size, step, layer, seed_to)
