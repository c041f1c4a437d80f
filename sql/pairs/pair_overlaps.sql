-- Title:   Are more features active in a text and its translation than in other two texts?
-- Grain:   language_a, language_b, pair; language_a before language_b
-- Reads:   jaccard_indices, paired_texts
-- `overlap` is that of the two texts of the pair; `overlap_others_b` is the mean overlap of
-- the text in language_a with the texts of all other pairs in language_b, and
-- `overlap_others_a` that of the text in language_b. Null if there is one pair.
with n_pairs as (
    select
        language_a,
        language_b,
        count(*) as n
    from paired_texts
    group by language_a, language_b
),

exact as (
    select
        language_a,
        language_b,
        pair_a,
        pair_b,
        overlap::decimal(18, 15) as overlap
    from jaccard_indices
),

sums_a as (
    select
        language_a,
        language_b,
        pair_a as pair,
        coalesce(sum(overlap) filter (where pair_a = pair_b), 0)::double as overlap,
        coalesce(sum(overlap) filter (where pair_a <> pair_b), 0)::double as others
    from exact
    group by language_a, language_b, pair_a
),

sums_b as (
    select
        language_a,
        language_b,
        pair_b as pair,
        coalesce(sum(overlap) filter (where pair_a <> pair_b), 0)::double as others
    from exact
    group by language_a, language_b, pair_b
)

select
    paired_texts.language_a,
    paired_texts.language_b,
    paired_texts.pair,
    coalesce(sums_a.overlap, 0) as overlap,
    coalesce(sums_a.others, 0) / nullif(n_pairs.n - 1, 0) as overlap_others_b,
    coalesce(sums_b.others, 0) / nullif(n_pairs.n - 1, 0) as overlap_others_a
from paired_texts
inner join n_pairs
    on
        paired_texts.language_a = n_pairs.language_a
        and paired_texts.language_b = n_pairs.language_b
left join sums_a
    on
        paired_texts.language_a = sums_a.language_a
        and paired_texts.language_b = sums_a.language_b
        and paired_texts.pair = sums_a.pair
left join sums_b
    on
        paired_texts.language_a = sums_b.language_a
        and paired_texts.language_b = sums_b.language_b
        and paired_texts.pair = sums_b.pair
