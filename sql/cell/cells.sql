-- Title:   How was each cell trained, and how well does it reconstruct?
-- Grain:   cell
-- Reads:   cell_attributes
select
    tokens_seen,
    n_params,
    d_model,
    architecture,
    n_features,
    k,
    lr,
    seed,
    n_eval_tokens,
    buffer_tokens,
    mse,
    variance,
    fvu,
    fvu * 1.6 as fvu_half_k,
    fvu * 2.6 as fvu_quarter_k,
    fvu * 4 as fvu_eighth_k,
    cosine,
    l0,
    cut_share,
    n_dead,
    ce,
    ce_recon,
    ce_zero,
    (ce_zero - ce_recon) / (ce_zero - ce) as ce_recovered,
    model,
    revision,
    lm_fingerprint,
    tokenizer_fingerprint,
    corpus_fingerprint
from cell_attributes
