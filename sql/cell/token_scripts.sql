-- Title:   To which language does each token's script belong?
-- Grain:   token_id; not for tokens without letters, or in scripts of several languages
-- Kept:    as a table, because several views read it
-- Reads:   vocab, tokens, settings
-- A script belongs to a language by the same rule as an exclusive token: more than a given
-- share of its occurrences, per equal text, is in that language.
with words as (
    select
        token_id,
        -- Bytes of a split character, such as <0xE7>, are not Latin letters.
        regexp_replace(token, '<0x[0-9A-F]{2}>', '', 'g') as token
    from vocab
),

scripts as (
    select
        token_id,
        case
            when regexp_matches(token, '[\p{Hiragana}\p{Katakana}]') then 'kana'
            when regexp_matches(token, '\p{Han}') then 'han'
            when regexp_matches(token, '\p{Hangul}') then 'hangul'
            when regexp_matches(token, '\p{Latin}') then 'latin'
            when regexp_matches(token, '\p{Cyrillic}') then 'cyrillic'
            when regexp_matches(token, '\p{Arabic}') then 'arabic'
            when regexp_matches(token, '\p{Devanagari}') then 'devanagari'
            when regexp_matches(token, '\p{Thai}') then 'thai'
            when regexp_matches(token, '\p{Greek}') then 'greek'
            when regexp_matches(token, '\p{Hebrew}') then 'hebrew'
        end as script
    from words
),

counts as (
    select
        scripts.script,
        tokens.language,
        count(*) as n
    from tokens
    inner join scripts on tokens.token_id = scripts.token_id
    group by scripts.script, tokens.language
),

rates as (
    select
        script,
        language,
        n / sum(n) over (partition by language) as rate
    from counts
),

owners as (
    select
        script,
        arg_max(language, rate) as language
    from rates
    where script is not null
    group by script
    having
        round(max(rate) / fsum(rate), 12)
        > (select exclusive_threshold from settings)
)

select
    scripts.token_id,
    owners.language
from scripts
inner join owners on scripts.script = owners.script
