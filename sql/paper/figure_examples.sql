-- Title:   On which text do the features of figures 4 and 7 fire?
-- Grain:   figure, panel, feature, example
-- Reads:   figure_tokens
-- The bytes of a character that is split over tokens, such as <0xE7>, are joined again.
with encoded as (
    select
        *,
        replace(joined, '%', '%25') as one,
        '<0x([89AB].)>' as more,
        regexp_replace(one, '<0x([CD].)>' || more, '%\1%\2', 'g') as two,
        regexp_replace(two, '<0x(E.)>' || more || more, '%\1%\2%\3', 'g') as three,
        regexp_replace(
            three, '<0x(F.)>' || more || more || more, '%\1%\2%\3%\4', 'g'
        ) as four
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
    coalesce(try(url_decode(four)), joined) as text
from encoded
