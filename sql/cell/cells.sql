-- Title:   How was each cell trained, and how well does it reconstruct?
-- Grain:   cell
-- Reads:   cell_attributes
-- n_layers: the model's number of blocks. ce_recovered is null unless zeroing the layer costs
-- more than 0.1 nat: a share of nearly nothing says nothing about the reconstruction.
-- commit_hash: what the hub resolved the revision to; licence: as the checkpoint's model card
-- says. Both are null for a folder that does not tell.
-- control: the kind of a control, of a model of the size control_of; null for all others.
-- start_cosine: median cosine of the directions with the random ones that they started from.
-- The columns from sae_step on are of autoencoders that another project trained, on the model
-- of sae_step: a cell whose step is another only applies one. top_k: the features that it
-- keeps itself; the codes hold k of them.
select
    tokens_seen,
    n_params,
    d_model,
    n_layers::bigint as n_layers,
    architecture,
    n_features,
    k,
    lr::double as lr,
    seed::bigint as seed,
    start_cosine::double as start_cosine,
    n_eval_tokens,
    buffer_tokens::bigint as buffer_tokens,
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
    ce::double as ce,
    ce_recon::double as ce_recon,
    ce_zero::double as ce_zero,
    if(
        ce_zero - ce > 0.1::double, (ce_zero - ce_recon) / (ce_zero - ce), null
    ) as ce_recovered,
    model,
    revision,
    lm_fingerprint,
    tokenizer_fingerprint,
    corpus_fingerprint,
    commit_hash::varchar as commit_hash,
    licence::varchar as licence,
    dtype::varchar as dtype,
    device::varchar as device,
    code_version::varchar as code_version,
    library_versions::varchar as library_versions,
    sae_step::bigint as sae_step,
    top_k::bigint as top_k,
    if(source is null, 'l2', input)::varchar as input,
    source::varchar as source,
    source_file::varchar as source_file,
    source_sha256::varchar as source_sha256,
    source_licence::varchar as source_licence,
    conversions::varchar as conversions,
    control::varchar as control,
    control_of::varchar as control_of
from cell_attributes
