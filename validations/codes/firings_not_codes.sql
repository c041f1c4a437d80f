-- Check:   Every firing is a code of the same token, feature and value, and has one row
-- Why:     The autoencoder never produced a firing that the codes do not have.
-- Guards:  firing: an activation above a share of the feature's maximum
-- Grain:   feature, token_row
-- Reads:   firings, codes, firings_differ
with suspected as (
    select
        firings.feature,
        firings.token_row,
        firings.value,
        count(*) as n_rows
    from firings
    inner join firings_differ on firings.feature = firings_differ.feature
    group by all
),

coded as (
    select
        codes.feature,
        codes.token_row,
        codes.value
    from codes
    inner join firings_differ on codes.feature = firings_differ.feature
)

select
    suspected.feature,
    suspected.token_row,
    suspected.value,
    suspected.n_rows,
    coded.value as value_in_codes
from suspected
left join coded
    on suspected.feature = coded.feature and suspected.token_row = coded.token_row
where
    suspected.n_rows > 1
    or suspected.value::double is distinct from coded.value::double
