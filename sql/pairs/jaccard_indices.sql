-- Title:   What share of their features do each two texts in different languages have in common?
-- Grain:   language_a, language_b, pair_a, pair_b; language_a before language_b
-- Reads:   pair_codes, paired_texts
-- Kept:    read for both texts of each two
-- The Jaccard index of the sets of features that are active in them; texts without a common
-- feature have no row, theirs is 0. Few features fire in a short text: of firings the index
-- is mostly 0, and its interval too narrow (LOG.md).
with sizes as (
    select
        language,
        pair,
        count(*) as n_features
    from pair_codes
    group by language, pair
),

common as (
    select
        text_a.language as language_a,
        text_b.language as language_b,
        text_a.pair as pair_a,
        text_b.pair as pair_b,
        count(*) as n_features
    from pair_codes as text_a
    inner join pair_codes as text_b on text_a.feature = text_b.feature
    where text_a.language < text_b.language
    group by text_a.language, text_b.language, text_a.pair, text_b.pair
)

select
    common.language_a,
    common.language_b,
    common.pair_a,
    common.pair_b,
    common.n_features
    / (sizes_a.n_features + sizes_b.n_features - common.n_features) as overlap
from common
inner join sizes as sizes_a
    on common.language_a = sizes_a.language and common.pair_a = sizes_a.pair
inner join sizes as sizes_b
    on common.language_b = sizes_b.language and common.pair_b = sizes_b.pair
inner join paired_texts as queries
    on
        common.language_a = queries.language_a
        and common.language_b = queries.language_b
        and common.pair_a = queries.pair
inner join paired_texts as candidates
    on
        common.language_a = candidates.language_a
        and common.language_b = candidates.language_b
        and common.pair_b = candidates.pair
