-- Title:   How uncertain is the difference of two arms, given the sample of documents?
-- Grain:   arm, reference_arm, language, measure
-- Reads:   document_influences, steering_pairs
-- Paired: both arms have the same documents. The variance of a sum of n influences is n
-- times their variance, language by language, since the number of documents of each language
-- is the study's. df: degrees of freedom.
with strata as (
    select
        pairs.*,
        steered.language,
        steered.stratum,
        count(*) as n,
        list_var_samp(
            list(steered.loss - compared.loss order by steered.document)
        ) as loss,
        list_var_samp(
            list(steered.perplexity - compared.perplexity order by steered.document)
        ) as perplexity
    from steering_pairs as pairs
    inner join document_influences as steered using (arm)
    inner join document_influences as compared
        on
            pairs.reference_arm = compared.arm
            and steered.language = compared.language
            and steered.document = compared.document
    group by all
),

listed as (
    select
        strata.* exclude (loss, perplexity),
        measure.name as measure,
        measure.variance
    from strata
    cross join lateral (
        values
        ('loss', strata.loss),
        ('perplexity', strata.perplexity)
    ) as measure (name, variance)
)

select
    arm,
    reference_arm,
    reference,
    language,
    measure,
    sum(n)::bigint as n_documents,
    sum(n - 1)::bigint as df,
    if(min(n) > 1, list_sum(list(n * variance order by stratum)), null) as variance
from listed
group by all
