-- Title:   Which tokens are the examples of figures 4 and 7?
-- Grain:   figure, panel, feature, example
-- Reads:   figure_runs, tokens, vocab
-- Three of a feature's strongest runs: languages alternate, a token is repeated only if there
-- is no other, and the strongest come first. The text has the run in brackets, with three
-- tokens before and after; `joined` is not decoded here.
with numbered as (
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
    from numbered
),

chosen as (
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
    chosen.figure,
    chosen.panel,
    chosen.feature,
    chosen.example,
    chosen.rank,
    chosen.document,
    chosen.language,
    string_agg(
        if(tokens.token_row = chosen.first_row, '[', '')
        || escaped_token(vocab.token, tokens.token_id)
        || if(tokens.token_row = chosen.last_row, ']', ''),
        '' order by tokens.token_row
    ) as joined
from tokens
inner join chosen
    on
        tokens.document = chosen.document
        and tokens.token_row between chosen.first_row - 3 and chosen.last_row + 3
left join vocab on tokens.token_id = vocab.token_id
group by all
