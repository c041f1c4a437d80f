-- Title:   Which features fire in each text of a pair?
-- Grain:   language, pair, feature
-- Reads:   features, pair_codes, settings
-- Kept:    read for both texts of each two
-- The maximum is over the evaluation text, as for every firing.
with fired as (
    select
        pair_codes.language,
        pair_codes.pair,
        pair_codes.feature,
        pair_codes.max_value::double as strongest,
        settings.firing_threshold::double * features.max_value::double as floor
    from pair_codes
    inner join features on pair_codes.feature = features.feature
    cross join settings
)

select
    language,
    pair,
    feature
from fired
where strongest > floor
