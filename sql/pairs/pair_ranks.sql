-- Title:   At which rank is the translation of each text of a pair among all candidates?
-- Grain:   source, language_a, language_b, pair
-- Reads:   hidden_ranks, scores
-- From a text in language_a to the texts in language_b. Ties count against the translation:
-- its rank is the number of candidates whose cosine is not less than its own, by 1e-9.
with translations as (
    select
        source,
        language_a,
        language_b,
        pair_a as pair,
        cosine
    from scores
    where pair_a = pair_b
)

select
    scores.source,
    scores.language_a,
    scores.language_b,
    translations.pair,
    count(*)::integer as rank
from scores
inner join translations
    on
        scores.source = translations.source
        and scores.language_a = translations.language_a
        and scores.language_b = translations.language_b
        and scores.pair_a = translations.pair
where scores.cosine >= translations.cosine - 1e-9
group by scores.source, scores.language_a, scores.language_b, translations.pair
union all
select
    scores.source,
    scores.language_b as language_a,
    scores.language_a as language_b,
    translations.pair,
    count(*)::integer as rank
from scores
inner join translations
    on
        scores.source = translations.source
        and scores.language_a = translations.language_a
        and scores.language_b = translations.language_b
        and scores.pair_b = translations.pair
where scores.cosine >= translations.cosine - 1e-9
group by scores.source, scores.language_a, scores.language_b, translations.pair
union all
select
    'hidden' as source,
    language_a,
    language_b,
    pair,
    rank
from hidden_ranks
