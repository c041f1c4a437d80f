-- Title:   On how many of a feature's tokens does one of its parts fire, for some features?
-- Grain:   is_to, feature
-- Reads:   some_holders, side_firings
with own as (
    select side_firings.*
    from side_firings
    semi join some_holders
        on
            side_firings.is_to = some_holders.is_to
            and side_firings.feature = some_holders.feature
)

select
    some_holders.is_permuted,
    some_holders.is_to,
    some_holders.feature,
    count(distinct side_firings.token_row) as n_held
from side_firings
inner join some_holders
    on
        side_firings.is_to <> some_holders.is_to
        and side_firings.feature = some_holders.part
semi join own
    on
        some_holders.is_to = own.is_to
        and some_holders.feature = own.feature
        and side_firings.token_row = own.token_row
group by some_holders.is_permuted, some_holders.is_to, some_holders.feature
