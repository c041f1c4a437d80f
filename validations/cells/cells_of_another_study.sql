-- Check:   All cells share one tokenizer and one corpus
-- Why:     Features of different texts or vocabularies cannot be compared.
-- Guards:  one tokenizer and one corpus per study
-- Grain:   size, step, layer
-- Reads:   cells
with usual as (
    select
        mode(tokenizer_fingerprint) as tokenizer_fingerprint,
        mode(corpus_fingerprint) as corpus_fingerprint
    from cells
)

select
    cells.size,
    cells.step,
    cells.layer,
    cells.tokenizer_fingerprint,
    cells.corpus_fingerprint
from cells
cross join usual
where
    cells.tokenizer_fingerprint is distinct from usual.tokenizer_fingerprint
    or cells.corpus_fingerprint is distinct from usual.corpus_fingerprint
