-- Check:   Features with codes and dead features add up to all features
-- Why:     A feature that is neither is lost from every share.
-- Guards:  alive + dead = n
-- Grain:   cell
-- Reads:   code_features, cell_settings
with counted as (
    select count(distinct feature) as n_alive
    from code_features
)

select
    cell_settings.n_features,
    cell_settings.n_dead,
    counted.n_alive
from counted
cross join cell_settings
where cell_settings.n_features is distinct from cell_settings.n_dead + counted.n_alive
