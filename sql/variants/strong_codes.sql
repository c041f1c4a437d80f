-- Title:   Which activations fire in any variant: of a part of the text, or a threshold?
-- Grain:   feature, token_row
-- Reads:   placed_codes, document_eighths, least_maxima, settings
-- From here on codes are these: no variant reads all activations again.
select
    placed_codes.feature,
    placed_codes.token_row,
    placed_codes.value,
    placed_codes.starts_run,
    document_eighths.eighth
from placed_codes
inner join document_eighths on placed_codes.document = document_eighths.document
inner join least_maxima
    on
        placed_codes.feature = least_maxima.feature
        and document_eighths.eighth = least_maxima.eighth
where
    placed_codes.value::double > least(
        0.5 * least_maxima.max_value::double,
        (select firing_threshold from settings) * least_maxima.least_value::double
    )
