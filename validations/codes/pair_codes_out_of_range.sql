-- Check:   A feature's mean over a text is positive, and the feature one of the cell's
-- Why:     Retrieval compares the means.
-- Guards:  pair_codes: means of the stored codes, where they are not 0
-- Grain:   pair, language, feature
-- Reads:   cell_settings, pair_codes
select
    pair_codes.pair,
    pair_codes.language,
    pair_codes.feature,
    pair_codes.mean_value
from pair_codes
cross join cell_settings
where
    not isfinite(pair_codes.mean_value)
    or (pair_codes.mean_value > 0) is not true
    or pair_codes.feature < 0
    or pair_codes.feature >= cell_settings.n_features
