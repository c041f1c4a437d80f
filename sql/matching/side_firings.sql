-- Title:   On which tokens do the features of both cells fire, with the documents of the second
--          in their places or permuted?
-- Grain:   is_to, feature, token_row
-- Kept:    as a table, because several views read it
-- Reads:   firings_from, firings_to, side_features, moved_documents, passes, settings
-- Token rows are numbered through all documents, context - 1 for each.
with moved as (
    select
        moved_documents.document,
        moved_documents.stands_for
    from moved_documents
    inner join passes on moved_documents.is_permuted = passes.is_permuted
)

select
    false as is_to,
    firings_from.feature::integer as feature,
    firings_from.token_row::uinteger as token_row
from firings_from
semi join side_features
    on
        firings_from.feature = side_features.feature
        and not side_features.is_to
union all
select
    true as is_to,
    firings_to.feature::integer as feature,
    (
        moved.stands_for * (settings.context - 1)
        + firings_to.token_row % (settings.context - 1)
    )::uinteger as token_row
from firings_to
cross join settings
inner join moved on firings_to.token_row // (settings.context - 1) = moved.document
semi join side_features
    on
        firings_to.feature = side_features.feature
        and side_features.is_to
