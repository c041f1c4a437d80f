-- Title:   What share of their features do each two texts in different languages have in common?
-- Grain:   language_a, language_b, pair_a, pair_b; language_a before language_b
-- Reads:   pair_codes, paired_texts, products, texts
-- Kept:    read for both texts of each two
-- The Jaccard index of the sets of features that are active in them; texts without a common
-- feature have no row, theirs is 0. Few features fire in a short text: of firings the index
-- is mostly 0, and its interval too narrow (LOG.md).
with sizes as (
    select
        texts.text,
        count(*) as n_features
    from pair_codes
    inner join texts
        on pair_codes.language = texts.language and pair_codes.pair = texts.pair
    group by texts.text
)

select
    queries.language_a,
    queries.language_b,
    queries.pair as pair_a,
    candidates.pair as pair_b,
    products.n_common / (sizes_a.n_features + sizes_b.n_features - products.n_common)
        as overlap
from products
inner join sizes as sizes_a on products.text_a = sizes_a.text
inner join sizes as sizes_b on products.text_b = sizes_b.text
inner join paired_texts as queries on products.text_a = queries.text_a
inner join paired_texts as candidates
    on
        products.text_b = candidates.text_b
        and queries.language_a = candidates.language_a
        and queries.language_b = candidates.language_b
where products.source = 'codes'
