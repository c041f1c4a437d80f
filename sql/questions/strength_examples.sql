-- Title:   Where does each feature fire most strongly, at middle strength, and most weakly?
-- Grain:   size, step, layer, feature, rank
-- Reads:   firings, random_texts, settings
-- Without controls on random tokens, whose firings are on another text than `tokens`.
-- Five firings of each interval: the strongest, those around the median, and the weakest.
-- The strongest alone flatter a feature: they are often of one meaning where the others are
-- not. Equal firings are in the order of the text. Select one feature: all its firings are
-- read.
with ranked as (
    select
        *,
        (token_row // (select context - 1 from settings))::integer as document,
        token_row % (select context - 1 from settings) as position,
        row_number() over (
            partition by size, step, layer, feature
            order by value desc, token_row asc
        ) as rank,
        count(*) over (partition by size, step, layer, feature) as n_firings
    from firings
    anti join random_texts using (size)
)

select
    size,
    step,
    layer,
    feature,
    rank,
    n_firings,
    case
        when rank <= 5 then 'strongest'
        when rank > n_firings - 5 then 'weakest'
        else 'middle'
    end as strength,
    value,
    token_row,
    document,
    position
from ranked
where
    rank <= 5
    or rank > n_firings - 5
    or rank between n_firings // 2 - 1 and n_firings // 2 + 3
