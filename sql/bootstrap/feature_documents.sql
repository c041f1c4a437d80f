-- Title:   How often does each feature fire in each document?
-- Grain:   feature, document
-- Kept:    as a table, because several views read it
-- Reads:   firings, tokens, vocab
-- A run starts where the feature does not fire on the previous token of the document.
with placed as (
    select
        firings.feature,
        tokens.document,
        tokens.position,
        vocab.language is not null as is_exclusive,
        lag(tokens.position) over (
            partition by firings.feature, tokens.document order by tokens.position
        ) as previous
    from firings
    inner join tokens on firings.token_row = tokens.token_row
    left join vocab on tokens.token_id = vocab.token_id
)

select
    feature,
    document,
    count(*)::integer as n_firings,
    count(*) filter (where is_exclusive)::integer as n_exclusive,
    count(*) filter (where previous is null or previous + 1 < position)::integer as n_runs
from placed
group by feature, document
order by feature, document
