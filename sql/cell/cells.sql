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
    fvu_half_k::double as fvu_half_k,
    fvu_quarter_k::double as fvu_quarter_k,
    fvu_eighth_k::double as fvu_eighth_k,
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
