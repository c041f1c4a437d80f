-- Title:   What is the mean vector of each language's texts?
-- Grain:   part, language, dimension
-- Reads:   pair_tokens, text_vectors
-- Kept:    read by each product
with languages as (
    select
        language,
        count(distinct pair) as n_texts
    from pair_tokens
    group by language
)

select
    text_vectors.part,
    text_vectors.language,
    text_vectors.dimension,
    sum(text_vectors.value) / any_value(languages.n_texts) as value
from text_vectors
inner join languages on text_vectors.language = languages.language
group by text_vectors.part, text_vectors.language, text_vectors.dimension
