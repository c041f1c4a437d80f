-- Title:   What is a feature's lowest maximum over the parts of the text with an eighth?
-- Grain:   feature, eighth
-- Reads:   eighth_maxima, parts
-- Also over all of it, `max_value`.
with part_maxima as (
    select
        eighth_maxima.feature,
        parts.documents,
        max(eighth_maxima.max_value) as max_value
    from eighth_maxima
    inner join parts on eighth_maxima.eighth = parts.eighth
    group by eighth_maxima.feature, parts.documents
)

select
    part_maxima.feature,
    parts.eighth,
    min(part_maxima.max_value) as least_value,
    max(part_maxima.max_value) as max_value
from part_maxima
inner join parts on part_maxima.documents = parts.documents
group by part_maxima.feature, parts.eighth
