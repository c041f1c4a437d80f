-- Title:   Do mixed features change perplexity more than other features do?
-- Grain:   full_step, control, comparison, alpha, m, scale_back, b_pre, language, measure
-- Reads:   arms, models, steering_differences
-- Paper:   section 5.3
-- estimate: mixed less reference, in perplexity or in nats a token (measure); negative where
-- mixed features help more. z: the normal value whose probability is that of estimate /
-- standard_deviation by Student's t. There is no interval where only one of several possible
-- draws was measured.
select
    models.full_step,
    arms.control,
    concat('mixed less ', replace(differences.reference, '_', ' ')) as comparison,
    arms.alpha,
    arms.m,
    arms.scale_back,
    models.b_pre,
    differences.language,
    differences.measure,
    differences.reference,
    differences.n_added,
    differences.n_added_reference,
    differences.estimate,
    differences.estimate - differences.half as low,
    differences.estimate + differences.half as high,
    differences.standard_deviation,
    differences.sd_documents,
    differences.sd_draws,
    differences.df,
    normal_deviate(
        differences.estimate / nullif(differences.standard_deviation, 0), differences.df
    ) as z,
    differences.n_draws,
    differences.n_draws_reference,
    differences.n_documents
from steering_differences as differences
inner join arms using (arm)
cross join models
where arms.added = 'mixed' and differences.reference not in ('baseline', 'none')
