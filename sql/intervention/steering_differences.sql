-- Title:   How do two arms differ in loss and perplexity, and how uncertain is that?
-- Grain:   arm, reference_arm, language, measure
-- Kept:    as a table, because several views read it
-- Reads:   document_variances, draw_means
-- The variance has three parts: over documents, and over the draws of either arm, which
-- are independent of each other. The interval is that of Student's t with Welch and
-- Satterthwaite's degrees of freedom (df).
with parts as (
    select
        steered.n_added,
        steered.n_draws,
        steered.mean - compared.mean as estimate,
        steered.variance as variance_steered,
        compared.n_added as n_added_reference,
        compared.n_draws as n_draws_reference,
        compared.variance as variance_compared,
        documents.*
    from document_variances as documents
    inner join draw_means as steered
        using (arm, language, measure)
    inner join draw_means as compared
        on
            documents.reference_arm = compared.arm
            and documents.language = compared.language
            and documents.measure = compared.measure
),

summed as (
    select
        * exclude (df),
        variance_steered + variance_compared as variance_draws,
        variance + variance_steered + variance_compared as variance_total,
        variance ^ 2 / df
        + variance_steered ^ 2 / greatest(n_draws - 1, 1)
        + variance_compared ^ 2 / greatest(n_draws_reference - 1, 1) as squares
    from parts
),

uncertain as (
    select
        *,
        if(variance_total > 0, variance_total ^ 2 / squares, null) as df
    from summed
)

select
    arm,
    reference_arm,
    reference,
    language,
    measure,
    n_added,
    n_added_reference,
    n_draws,
    n_draws_reference,
    n_documents,
    estimate,
    sqrt(variance_total) as standard_deviation,
    sqrt(variance) as sd_documents,
    sqrt(variance_draws) as sd_draws,
    df,
    if(
        variance_total > 0,
        student_quantile(z_95(), df) * sqrt(variance_total),
        variance_total
    ) as half
from uncertain
