-- Title:   On which tokens does each feature fire, and what are they?
-- Grain:   feature, token_row
-- Reads:   codes, maxima, token_marks, settings
-- Paper:   section 3.2: an activation above a share of the feature's maximum
-- What fires is found before its tokens are looked up: few activations fire.
with fired as (
    select
        codes.feature,
        codes.token_row,
        codes.value,
        codes.starts_run
    from codes
    inner join maxima on codes.feature = maxima.feature
    where
        codes.value::double
        > (select firing_threshold from settings) * maxima.max_value::double
)

select
    fired.feature,
    fired.token_row,
    fired.value,
    fired.starts_run,
    token_marks.token_id,
    token_marks.language
from fired
inner join token_marks on fired.token_row = token_marks.token_row
