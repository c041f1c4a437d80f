-- Title:   How much of the text consists of tokens of one language?
-- Grain:   language, token_language; every pair has a row
-- Reads:   settings, tokens, vocab
-- The language of the document, and that of the token: the one it is exclusive to, else
-- `shared`. Shares are of a language's text. A mixed feature may fire on shared tokens only.
with languages as (
    select unnest(languages) as language
    from settings
),

classes as (
    select unnest(list_append(languages, 'shared')) as token_language
    from settings
),

occurrences as (
    select
        language,
        token_id,
        count(*) as n
    from tokens
    group by language, token_id
),

counts as (
    select
        occurrences.language,
        coalesce(vocab.language, 'shared') as token_language,
        count(*) as n_tokens,
        sum(occurrences.n) as n_occurrences
    from occurrences
    left join vocab on occurrences.token_id = vocab.token_id
    group by occurrences.language, coalesce(vocab.language, 'shared')
)

select
    languages.language,
    classes.token_language,
    coalesce(counts.n_tokens, 0) as n_tokens,
    coalesce(counts.n_occurrences, 0)::bigint as n_occurrences,
    coalesce(counts.n_occurrences, 0)
    / sum(counts.n_occurrences) over (partition by languages.language) as share
from languages
cross join classes
left join counts
    on
        languages.language = counts.language
        and classes.token_language = counts.token_language
