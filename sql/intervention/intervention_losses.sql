-- Title:   How well does the steered model predict each held-out document?
-- Grain:   full_step, control, added, alpha, m, draw, scale_back, b_pre, document
-- Kept:    as a table, because several views read it
-- Reads:   measured, models, wanted
-- Paper:   equation 7
-- nll: nats, summed over the document's tokens; norms and active features are means over
-- them. added = 'baseline': no steering.
select
    models.full_step,
    measured.control,
    measured.added,
    measured.alpha,
    measured.m,
    measured.draw,
    measured.scale_back,
    models.b_pre,
    measured.document,
    measured.language,
    measured.n_added,
    measured.n_tokens,
    measured.nll,
    measured.added_norm,
    measured.residual_norm,
    measured.active_per_token
from measured
cross join models
inner join wanted using (control, added, alpha, m, draw, scale_back)
