-- Title:   How large is each difference that the findings test, in the untrained model?
-- Grain:   finding, comparison, of_size, measure; tests whose cells were built at step 0 too
-- Reads:   contrasts, grid_cells, measured_shares
-- For `turn`, the untrained model is compared with the turn; for layers and sizes, its layers
-- and its sizes are compared with each other. All documents and all features.
with untrained as (
    select
        shares.size,
        shares.layer,
        shares.measure,
        shares.share
    from measured_shares as shares
    inner join grid_cells as grid using (size, step, layer)
    where
        grid.tokens_seen = 0 and shares.documents = 'all' and shares.features = 'all'
)

select
    contrasts.finding,
    contrasts.comparison,
    contrasts.of_size,
    contrasts.measure,
    sum((
        contrasts.weight
        * if(
            contrasts.finding = 'turn' and contrasts.weight < 0, shares.share, untrained.share
        )
    )::decimal(38, 20))::double as difference
from contrasts
inner join untrained using (size, layer, measure)
inner join measured_shares as shares using (size, step, layer, measure)
where shares.documents = 'all' and shares.features = 'all'
group by contrasts.finding, contrasts.comparison, contrasts.of_size, contrasts.measure
having
    count(untrained.share) = count(*)
    and count(*) = (
        select count(*)
        from contrasts as members
        where
            members.finding = contrasts.finding
            and members.comparison = contrasts.comparison
            and members.of_size = contrasts.of_size
            and members.measure = contrasts.measure
    )
