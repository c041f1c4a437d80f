-- Title:   How large is each difference that the findings test, and what else differs?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrasts, measured_shares, cells
-- Alive features. variance_features: as if another autoencoder drew them independently. fvu
-- and n_alive: means of the sides, weighted as the shares.
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
