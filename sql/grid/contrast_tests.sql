-- Title:   How large is each difference that the findings test, and how sure is that?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrast_sums, contrast_documents, contrast_layers
-- Alive features. The variance is that of the documents plus that of the units. The units
-- are the layers where each side has two or more; else the features, as if another
-- autoencoder of the same states would draw them independently: then the test speaks of
-- these cells and this autoencoder alone. sd_documents and sd_units are the two standard
-- deviations; degrees are Satterthwaite's.
with combined as (
    select
        sums.*,
        documents.variance as variance_documents,
        documents.degrees as degrees_documents,
        coalesce(layers.variance, sums.variance_features) as variance_units,
        layers.degrees as degrees_units,
        layers.variance is not null as is_over_layers
    from contrast_sums as sums
    left join contrast_documents as documents using (finding, comparison, of_size, measure)
    left join contrast_layers as layers using (finding, comparison, of_size, measure)
)

select
    finding,
    comparison,
    of_size,
    measure,
    step_left,
    step_right,
    estimate,
    sqrt(variance_documents) as sd_documents,
    sqrt(variance_units) as sd_units,
    sqrt(variance_documents + variance_units) as standard_deviation,
    least(
        1e9,
        (variance_documents + variance_units) ^ 2 / (
            variance_documents ^ 2 / degrees_documents
            + coalesce(variance_units ^ 2 / degrees_units, 0)
        )
    ) as degrees,
    is_over_layers,
    fvu_left,
    fvu_right,
    n_alive_left,
    n_alive_right
from combined
