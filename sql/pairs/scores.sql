-- Title:   How similar is each text to each candidate translation?
-- Grain:   source, language_a, language_b, pair_a, pair_b; language_a before language_b
-- Reads:   centred_texts, paired_texts, products
-- Kept:    read for both directions
-- The cosine of the vectors less their language's mean, expanded so that sparse vectors
-- stay sparse: (a - ma).(b - mb) = a.b - a.mb - b.ma + ma.mb. A vector of length 0 has
-- cosine 0 with every other.
select
    text_a.source,
    queries.language_a,
    queries.language_b,
    queries.pair as pair_a,
    candidates.pair as pair_b,
    case
        when text_a.length * text_b.length > 0
            then (
                coalesce(products.product, 0) - text_a.product - text_b.product
                + text_a.mean_product
            ) / (text_a.length * text_b.length)
        else 0
    end as cosine
from paired_texts as queries
inner join paired_texts as candidates
    on
        queries.language_a = candidates.language_a
        and queries.language_b = candidates.language_b
inner join centred_texts as text_a
    on
        queries.text_a = text_a.text
        and queries.language_b = text_a.mean_language
inner join centred_texts as text_b
    on
        candidates.text_b = text_b.text
        and candidates.language_a = text_b.mean_language
        and text_a.source = text_b.source
left join products
    on
        text_a.text = products.text_a
        and text_b.text = products.text_b
        and text_a.source = products.source
