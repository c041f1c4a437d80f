-- Title:   Are larger models more mixed, by the order of all sizes?
-- Grain:   measure
-- Reads:   grid_cells, measured_shares
-- The unit is the model. Kendall's tau of the parameters and the shares of middle layers at
-- the last step, and its exact p: among all orders of the models, the share of those with as
-- many pairs in order or out of it. n_orders[i + 1] orders have i pairs out of order. Three
-- or four models cannot give a p below 0.05, whatever their order.
with recursive models as (
    select
        grid.size,
        grid.n_params,
        shares.measure,
        shares.share
    from grid_cells as grid
    inner join measured_shares as shares using (size, step, layer)
    where
        grid.is_middle
        and grid.is_last_step
        and grid.tokens_seen > 0
        and shares.documents = 'all'
        and shares.share is not null
),

orders as (
    select
        1 as n_models,
        [1::double] as n_orders
    union all
    select
        n_models + 1 as n_models,
        [
            list_sum(n_orders[greatest(1, i - n_models):i])
            for i in range(1, len(n_orders) + n_models + 1)
        ] as n_orders
    from orders
    where n_models < (select count(distinct size) from models)
),

pairs as (
    select
        smaller.measure,
        sum(sign(larger.share - smaller.share)) as n_ordered,
        count(*) as n_pairs
    from models as smaller
    inner join models as larger
        on
            smaller.measure = larger.measure
            and (smaller.n_params, smaller.size) < (larger.n_params, larger.size)
    group by smaller.measure
),

counts as (
    select
        measure,
        count(*)::int as n_models,
        arg_max(size, (n_params, size)) as largest_size
    from models
    group by measure
)

select
    pairs.measure,
    counts.largest_size,
    counts.n_models,
    pairs.n_ordered / pairs.n_pairs as tau,
    least(
        1,
        2 * list_sum(
            orders.n_orders[1:ceil((pairs.n_pairs - abs(pairs.n_ordered)) / 2)::int + 1]
        ) / list_sum(orders.n_orders)
    ) as p
from pairs
inner join counts using (measure)
inner join orders using (n_models)
