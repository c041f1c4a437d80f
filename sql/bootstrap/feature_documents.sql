-- Title:   How often does each feature fire in each document, and in which language?
-- Grain:   feature, document, language
-- Kept:    as a table, because several views read it
-- Reads:   firings, tokens, vocab
-- n_firings and n_runs are in the document's language; n_exclusive, the firings on exclusive
-- tokens, in the token's own. A run starts where the feature does not fire on the previous
-- token of the document.
with placed as (
    select
        firings.feature,
        tokens.document,
        tokens.position,
        tokens.language,
        vocab.language as own_language,
        lag(tokens.position) over (
            partition by firings.feature, tokens.document order by tokens.position
        ) as previous
    from firings
    inner join tokens on firings.token_row = tokens.token_row
    left join vocab on tokens.token_id = vocab.token_id
),

listed as (
    select
        feature,
        document,
        language,
        count(*)::integer as n_firings,
        0::integer as n_exclusive,
        count(*) filter (where previous is null or previous + 1 < position)::integer as n_runs
    from placed
    group by feature, document, language
    union all
    select
        feature,
        document,
        own_language as language,
        0::integer as n_firings,
        count(*)::integer as n_exclusive,
        0::integer as n_runs
    from placed
    where own_language is not null
    group by feature, document, own_language
)

select
    feature,
    document,
    language,
    sum(n_firings)::integer as n_firings,
    sum(n_exclusive)::integer as n_exclusive,
    sum(n_runs)::integer as n_runs
from listed
group by feature, document, language
order by feature, document, language
