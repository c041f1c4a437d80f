-- Title:   How long does an autoencoder train, and with how many buffered activations?
-- Grain:   size
-- Reads:   cells, timings
-- Paper:   table 3
-- The seconds of a cell include its share of the language model's. The total is that of the
-- size's whole grid. A cell without a time counts in n_cells only.
select
    cells.size,
    max(cells.n_params) as n_params,
    count(*) as n_cells,
    sum(timings.train_seconds::decimal(38, 9))::double
    / count(timings.train_seconds) as train_seconds,
    min(timings.train_seconds) as train_seconds_least,
    max(timings.train_seconds) as train_seconds_most,
    sum(timings.train_seconds::decimal(38, 9))::double as train_seconds_total,
    min(cells.buffer_tokens) as buffer_tokens_least,
    max(cells.buffer_tokens) as buffer_tokens_most
from cells
left join timings using (size, step, layer)
group by cells.size
order by n_params, cells.size
