-- Title:   Which tokens are the examples of figures 4 and 7 and of each class?
-- Grain:   figure, panel, feature, example
-- Reads:   figure_runs, tokens, vocab
-- Three of a feature's strongest runs: languages alternate, a token is repeated only if there
-- is no other, and the strongest come first. The run is from the position `first` to `last`
-- of the document, its strongest firing at `position`.
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
    any_value(tokens.position) filter (where tokens.token_row = chosen.first_row) as first,
    any_value(tokens.position) filter (where tokens.token_row = chosen.token_row)
        as position,
    any_value(tokens.position) filter (where tokens.token_row = chosen.last_row) as last,
    string_agg(
        escaped_token(vocab.token, tokens.token_id), chr(31) order by tokens.position
    ) as joined
from tokens
inner join chosen on tokens.document = chosen.document
left join vocab on tokens.token_id = vocab.token_id
group by all
