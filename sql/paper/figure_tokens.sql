-- Title:   Which tokens are the examples of figures 4 and 7?
-- Grain:   figure, panel, feature, example
-- Reads:   figure_runs, tokens, vocab
-- Three of a feature's strongest runs: languages in turn, a token again only when there is
-- no other, the strongest first. The text has the run in brackets, three tokens before
-- and three after, their bytes not decoded yet.
with met as (
    select
        runs.*,
        tokens.language,
        row_number() over (
            partition by runs.figure, runs.panel, runs.feature, tokens.token_id
            order by runs.rank
        ) as nth
    from tokens
    inner join figure_runs as runs on tokens.token_row = runs.token_row
),

turns as (
    select
        *,
        row_number() over (
            partition by figure, panel, feature, language
            order by nth, rank
        ) as turn
    from met
),

kept as (
    select
        *,
        row_number() over (
            partition by figure, panel, feature
            order by turn, nth, rank
        ) as example
    from turns
    qualify example <= 3
)

select
    kept.figure,
    kept.panel,
    kept.feature,
    kept.example,
    kept.rank,
    kept.document,
    kept.language,
    string_agg(
        if(tokens.token_row = kept.first_row, '[', '')
        || coalesce(vocab.token, '<' || tokens.token_id || '>')
        || if(tokens.token_row = kept.last_row, ']', ''),
        '' order by tokens.token_row
    ) as joined
from tokens
inner join kept
    on
        tokens.document = kept.document
        and tokens.token_row between kept.first_row - 3 and kept.last_row + 3
left join vocab on tokens.token_id = vocab.token_id
group by all
