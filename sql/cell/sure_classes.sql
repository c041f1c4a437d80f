-- Title:   Is each feature's class sure, given the documents in which it fires?
-- Grain:   feature
-- Reads:   document_rules, document_marks, settings
-- Firings within a document are not independent, so they count as Kish's effective number of
-- documents, (sum of n)^2 / (sum of n^2). The class is sure if Wilson's interval of the
-- largest language's share, for that number, is on one side of the class threshold: then
-- 97.5 % of such texts give the same class. Null: it is not.
with by_language as (
    select
        document_rules.feature,
        document_marks.language,
        sum(document_rules.n_firings)::double as n,
        sum(document_rules.n_firings ^ 2) as squares
    from document_rules
    inner join document_marks on document_rules.document = document_marks.document
    where document_rules.n_firings > 0
    group by document_rules.feature, document_marks.language
),

shares as (
    select
        feature,
        max(n) / sum(n) as share,
        arg_max(language, n) as language,
        sum(n) ^ 2 / sum(squares) as n_effective
    from by_language
    group by feature
)

select
    shares.feature,
    case
        when wilson_low(shares.share, shares.n_effective) > settings.class_threshold
            then settings.languages[shares.language]
        when wilson_high(shares.share, shares.n_effective) <= settings.class_threshold
            then 'mixed'
    end as language_sure
from shares
cross join settings
