-- Check:   Every text with codes is a text of a translation pair
-- Why:     Codes of another text have no translation to retrieve.
-- Guards:  pair_codes and pair_tokens: the same texts
-- Grain:   pair, language
-- Reads:   pair_codes, pair_tokens
with texts as (
    select distinct
        pair,
        language
    from pair_tokens
)

select distinct
    pair_codes.pair,
    pair_codes.language
from pair_codes
left join texts
    on pair_codes.pair = texts.pair and pair_codes.language = texts.language
where texts.pair is null
