-- Title:   How mixed is each cell on the validation text, halfway through training and at its end?
-- Grain:   measured_at
-- Reads:   codes, tokens, measured, settings
-- Paper:   sections 3.2 and 3.3, with firings and maxima of the validation text
-- `codes` and `tokens` are those of the validation text; a token has the language of its
-- document. `measured` has what is not computed from codes. The thresholds are those that the
-- study had when the cell was trained.
with maxima as (
    select
        feature,
        max(value)::double as max_value
    from codes
    group by feature
),

floors as (
    select
        maxima.feature,
        settings.firing_threshold::double * maxima.max_value as floor
    from maxima
    cross join settings
),

counts as (
    select
        codes.feature,
        tokens.language,
        count(*) as n_firings
    from codes
    inner join floors on codes.feature = floors.feature
    inner join tokens on codes.token_row = tokens.token_row
    where codes.value > floors.floor
    group by codes.feature, tokens.language
),

shares as (
    select
        feature,
        max(n_firings) / sum(n_firings) as share
    from counts
    group by feature
),

classes as (
    select
        count(*) as n_alive,
        count(*) filter (where shares.share <= settings.class_threshold) as n_mixed
    from shares
    cross join settings
)

select
    measured.measured_at,
    measured.trained_tokens,
    measured.n_tokens,
    classes.n_alive,
    classes.n_mixed / nullif(classes.n_alive, 0) as mixed_share,
    measured.fvu,
    settings.firing_threshold,
    settings.class_threshold
from measured
cross join classes
cross join settings
