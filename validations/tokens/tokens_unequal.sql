-- Check:   Every language has the same number of tokens
-- Why:     With more text in one language, features would seem to belong to it.
-- Guards:  evaluation text: equal in every language
-- Grain:   language
-- Reads:   settings, tokens
with study_languages as (
    select unnest(languages) as language
    from settings
),

counts as (
    select
        study_languages.language,
        count(tokens.token_row) as n_tokens
    from study_languages
    left join tokens on study_languages.language = tokens.language
    group by study_languages.language
),

most as (
    select max(n_tokens) as n_tokens
    from counts
)

select
    counts.language,
    counts.n_tokens,
    most.n_tokens as n_tokens_most
from counts
inner join most on counts.n_tokens < most.n_tokens
