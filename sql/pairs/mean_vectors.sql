-- Title:   What is the mean vector of each language's texts?
-- Grain:   language, dimension
-- Reads:   text_vectors, texts
-- Kept:    read by each product
with languages as (
    select
        language,
        count(*) as n_texts
    from texts
    group by language
)

select
    languages.language,
    text_vectors.dimension,
    sum(text_vectors.value) / any_value(languages.n_texts) as value
from text_vectors
inner join texts on text_vectors.text = texts.text
inner join languages on texts.language = languages.language
group by languages.language, text_vectors.dimension
