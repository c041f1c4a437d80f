-- Title:   Which class is each feature in: by all firings, by those on exclusive tokens,
--          and with the languages of documents permuted?
-- Grain:   feature
-- Reads:   firings, tokens, documents, vocab, settings
-- Paper:   section 3.3: a language whose share is above the threshold, else mixed
with marked as (
    select
        firings.feature,
        tokens.document,
        tokens.position,
        tokens.language,
        documents.language_permuted,
        if(vocab.language is null, null, tokens.language) as language_exclusive
    from firings
    inner join tokens on firings.token_row = tokens.token_row
    inner join documents on tokens.document = documents.document
    inner join vocab on tokens.token_id = vocab.token_id
),

counted as (
    select
        feature,
        count(*) as n_firings,
        count(language_exclusive) as n_exclusive,
        count(distinct document) as n_documents,
        mode(language) as language,
        mode(language_permuted) as language_permuted,
        mode(language_exclusive) as language_exclusive,
        list_max(map_values(histogram(language))) as n_language,
        list_max(map_values(histogram(language_permuted))) as n_permuted,
        list_max(map_values(histogram(language_exclusive))) as n_language_exclusive,
        list_max(map_values(histogram(position))) as n_position
    from marked
    group by feature
)

select
    counted.feature,
    counted.n_firings,
    counted.n_documents,
    counted.n_firings >= settings.min_firings
    and counted.n_documents >= settings.min_documents as supported,
    if(
        n_language / n_firings > settings.class_threshold, counted.language, 'mixed'
    ) as language,
    if(
        n_permuted / n_firings > settings.class_threshold, language_permuted, 'mixed'
    ) as language_permuted,
    case
        when n_exclusive < settings.min_exclusive_firings then null
        when n_language_exclusive / n_exclusive > settings.class_threshold
            then counted.language_exclusive
        else 'mixed'
    end as language_exclusive,
    1 - n_exclusive / n_firings as p_shared,
    n_position / n_firings as p_top_position
from counted
cross join settings
