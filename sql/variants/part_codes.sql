-- Title:   Which activations are in a part of the text?
-- Grain:   feature, token_row
-- Reads:   strong_codes, parts, variant
select
    strong_codes.feature,
    strong_codes.token_row,
    strong_codes.value,
    strong_codes.starts_run
from strong_codes
inner join parts on strong_codes.eighth = parts.eighth
where parts.documents = (select value from variant)
