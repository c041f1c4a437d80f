-- Title:   On which text do the features of figures 4 and 7 fire?
-- Grain:   figure, panel, feature, example
-- Reads:   figure_tokens
with decoded as (
    select
        *,
        decoded_tokens(joined) as texts
    from figure_tokens
)

select
    figure,
    panel,
    feature,
    example,
    rank,
    document,
    language,
    array_to_string(texts, '') as text
from decoded
