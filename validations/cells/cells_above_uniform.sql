-- Check:   A trained model predicts the text better than chance
-- Why:     A cross-entropy above ln(vocabulary) says that the tokenizer does not belong to the
--          model.
-- Guards:  one tokenizer per study, that of its models
-- Grain:   size, step, layer
-- Reads:   cells, vocab
-- A model that has seen tokens and gives the next one less than an equal share of the
-- vocabulary reads ids that mean something else to it.
with vocabulary as (
    select count(*)::double as n_tokens
    from vocab
)

select
    cells.size,
    cells.step,
    cells.layer,
    cells.ce,
    ln(vocabulary.n_tokens) as ce_uniform
from cells
cross join vocabulary
where
    cells.tokens_seen > 0
    and cells.control is null
    and cells.ce > ln(vocabulary.n_tokens)
