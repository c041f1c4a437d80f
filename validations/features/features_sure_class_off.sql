-- Check:   A class that is sure is the feature's class
-- Why:     `mixed_share_sure` is a part of `mixed_share`.
-- Guards:  language_sure: the class, or null
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    language,
    language_sure
from features_looked_at
where sure_class_follows is not true
