-- Title:   Which features of both cells are compared, and how often do they fire?
-- Grain:   is_to, feature; supported features
-- Kept:    as a table, because several views read it
-- Reads:   features_from, features_to, tokens
-- A feature that hardly ever fires overlaps with others by chance. density: its share of all
-- tokens.
with listed as (
    select
        false as is_to,
        feature,
        n_firings,
        supported,
        language_sure,
        state_of(language, monosemanticity, monosemanticity_null) as state
    from features_from
    union all
    select
        true as is_to,
        feature,
        n_firings,
        supported,
        language_sure,
        state_of(language, monosemanticity, monosemanticity_null) as state
    from features_to
)

select
    is_to,
    feature,
    n_firings,
    n_firings / (select count(*) from tokens) as density,
    language_sure,
    state
from listed
where supported
