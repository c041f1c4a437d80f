-- Check:   Every share of a class lies in its interval
-- Why:     An interval that does not contain its estimate was computed from other data.
-- Guards:  share_low <= share <= share_high
-- Grain:   size, step, layer, population, language
-- Reads:   trend_languages
select
    size,
    step,
    layer,
    population,
    language,
    share_low,
    share,
    share_high
from trend_languages
where share_low > share + 1e-9 or share > share_high + 1e-9
