-- Title:   How similar are the tokens on which each feature fires, within and across languages?
-- Grain:   feature, source, language_a, language_b, token_set; language_a <= language_b
-- Reads:   null_sums, group_sums, language_firings
-- Over pairs of firings on different tokens, one in a document of each language. The null
-- draws both tokens at random from their frequency bins. `source`: what the cosines are of.
-- `token_set`: all tokens, or only those exclusive to the language of their document.
with sums as (
    select
        null_sums.feature,
        null_sums.source,
        null_sums.language_a,
        null_sums.language_b,
        item.token_set,
        sum(null_sums.n_pairs)::bigint as n_pairs,
        sum(group_sums.cosine_sum::decimal(38, 15))::double as cosine_sum,
        sum(null_sums.null_sum::decimal(38, 15))::double as null_sum
    from null_sums
    inner join group_sums using (feature, source, language_a, language_b, are_exclusive)
    cross join
        lateral (
            values ('all', true), ('exclusive', null_sums.are_exclusive)
        ) as item (token_set, is_included)
    where item.is_included
    group by all
)

select
    sums.feature,
    sums.source,
    sums.language_a,
    sums.language_b,
    sums.token_set,
    a.n_firings as n_firings_a,
    b.n_firings as n_firings_b,
    sums.n_pairs,
    sums.cosine_sum / sums.n_pairs as coherence,
    sums.null_sum / sums.n_pairs as coherence_null
from sums
inner join language_firings as a
    on
        sums.feature = a.feature
        and sums.language_a = a.language
        and sums.token_set = a.token_set
inner join language_firings as b
    on
        sums.feature = b.feature
        and sums.language_b = b.language
        and sums.token_set = b.token_set
where sums.n_pairs > 0
