-- Check:   Every firing is on a token of the evaluation text
-- Why:     A firing without a token has no language and no cluster.
-- Guards:  firings: a subset of the codes
-- Grain:   feature, token_row
-- Reads:   firing_languages, firing_counts
with suspected as (
    select feature
    from firing_counts
    where language is null
)

select
    firing_languages.feature,
    firing_languages.token_row,
    firing_languages.value
from firing_languages
inner join suspected on firing_languages.feature = suspected.feature
where firing_languages.language is null
