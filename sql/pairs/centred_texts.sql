-- Title:   How long is each text's vector less its language's mean?
-- Grain:   source, text, mean_language
-- Reads:   text_products
-- Kept:    read by each score
-- (a - ma).(a - ma) = a.a - 2 a.ma + ma.ma, and ma.mb is the mean of a.mb over the texts
-- of a. A length of less than a millionth of the text's own is rounding, and 0.
with means as (
    select
        source,
        language,
        mean_language,
        avg(product) as mean_product
    from text_products
    group by source, language, mean_language
),

lengths as (
    select
        text_products.source,
        text_products.text,
        text_products.square - 2 * text_products.product + means.mean_product
            as square_centred,
        text_products.square
    from text_products
    inner join means
        on
            text_products.source = means.source
            and text_products.language = means.language
            and text_products.mean_language = means.mean_language
    where text_products.language = text_products.mean_language
)

select
    text_products.source,
    text_products.text,
    text_products.mean_language,
    text_products.product,
    means.mean_product,
    if(
        lengths.square_centred > 1e-12 * lengths.square, sqrt(lengths.square_centred), 0
    ) as length
from text_products
inner join means
    on
        text_products.source = means.source
        and text_products.language = means.language
        and text_products.mean_language = means.mean_language
inner join lengths
    on
        text_products.source = lengths.source
        and text_products.text = lengths.text
