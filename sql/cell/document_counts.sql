-- Title:   In how many documents does each feature fire?
-- Grain:   rule, feature
-- Reads:   document_rules, first_documents, firing_rules
with counts as (
    select
        document_rules.feature,
        document_rules.rules
        + 1024 * (
            document_rules.rules & 1 > 0
            and document_rules.document <= first_documents.last_document
        )::int as rules,
        count(*) as n_documents
    from document_rules
    left join first_documents on document_rules.feature = first_documents.feature
    group by all
)

select
    firing_rules.rule,
    counts.feature,
    sum(counts.n_documents)::bigint as n_documents
from counts
inner join firing_rules on counts.rules & firing_rules.bit > 0
group by firing_rules.rule, counts.feature
