-- Title:   Which Jaccard index do features without common content hardly ever have?
-- Grain:   is_to, support_bin
-- Reads:   side_overlaps
-- The 0.999 quantile of the best index with permuted documents, at least 0.2, by the binary
-- logarithm of the number of firings. Of features with even numbers: those with odd numbers
-- then say how often the null exceeds it.
select
    is_to,
    floor(log2(n_firings))::integer as support_bin,
    greatest(
        0.2,
        coalesce(
            quantile_cont(jaccard, 0.999) filter (where is_permuted and feature % 2 = 0), 0
        )
    ) as threshold
from side_overlaps
group by is_to, support_bin
