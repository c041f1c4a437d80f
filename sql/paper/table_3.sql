-- Title:   How long does an autoencoder train, on how many buffered activations?
-- Grain:   size
-- Reads:   cells
-- Paper:   table 3
-- Seconds of one cell: its own and its part of the language model's. The total is what
-- the size's whole grid took.
select
    size,
    max(n_params) as n_params,
    count(*) as n_cells,
    sum(train_seconds::decimal(38, 9))::double / count(*) as train_seconds,
    min(train_seconds) as train_seconds_least,
    max(train_seconds) as train_seconds_most,
    sum(train_seconds::decimal(38, 9))::double as train_seconds_total,
    min(buffer_tokens) as buffer_tokens_least,
    max(buffer_tokens) as buffer_tokens_most
from cells
group by size
order by n_params, size
