-- Title:   How large is each difference that the findings test, and how sure is that?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrasts, measured_shares, cells, contrast_documents, contrast_layers
-- Alive features. The variance is that of the documents plus that of the units. The units
-- are the layers where each side has two or more; else the features, as if another
-- autoencoder of the same states would draw them independently: then the test speaks of
-- these cells and this autoencoder alone. sd_documents and sd_units are the two standard
-- deviations; degrees are Satterthwaite's. fvu: means of the sides, weighted as the shares.
with summed as (
    select
        contrasts.finding,
        contrasts.comparison,
        contrasts.of_size,
        contrasts.measure,
        min(contrasts.step) filter (where contrasts.weight > 0) as step_left,
        max(contrasts.step) filter (where contrasts.weight < 0) as step_right,
        if(
            count(shares.share) = count(*),
            sum((contrasts.weight * shares.share)::decimal(38, 20))::double,
            null
        ) as estimate,
        sum((contrasts.weight ^ 2 * share_variance(shares.share, shares.n))::decimal(38, 25))
        ::double as variance_features,
        sum((contrasts.weight * cells.fvu)::decimal(38, 15))
        filter (where contrasts.weight > 0)::double as fvu_left,
        -sum((contrasts.weight * cells.fvu)::decimal(38, 15))
        filter (where contrasts.weight < 0)::double as fvu_right,
        sum((contrasts.weight * (cells.n_features - cells.n_dead))::decimal(38, 15))
        filter (where contrasts.weight > 0)::double as n_alive_left,
        -sum((contrasts.weight * (cells.n_features - cells.n_dead))::decimal(38, 15))
        filter (where contrasts.weight < 0)::double as n_alive_right
    from contrasts
    inner join cells
        on
            contrasts.size = cells.size
            and contrasts.step = cells.step
            and contrasts.layer = cells.layer
    left join measured_shares as shares
        on
            contrasts.size = shares.size
            and contrasts.step = shares.step
            and contrasts.layer = shares.layer
            and contrasts.measure = shares.measure
            and contrasts.documents = shares.documents
            and contrasts.features = shares.features
    group by contrasts.finding, contrasts.comparison, contrasts.of_size, contrasts.measure
),

combined as (
    select
        summed.*,
        documents.variance as variance_documents,
        documents.degrees as degrees_documents,
        coalesce(layers.variance, summed.variance_features) as variance_units,
        layers.degrees as degrees_units,
        layers.variance is not null as is_over_layers
    from summed
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
