-- The formulas that several views use: 95 % intervals of shares and of their differences.
-- Every database has these macros, a catalog as well. A share of nothing has no interval.

-- The 97.5 % quantile of the standard normal distribution.
create macro z_95() as 1.959964;

-- Wilson's score interval of a share of n: its centre, and half its width.
create macro wilson_centre(share, n) as
(share + z_95() ^ 2 / (2 * n)) / (1 + z_95() ^ 2 / n);

create macro wilson_half(share, n) as
z_95() * sqrt(share * (1 - share) / n + z_95() ^ 2 / (4 * n ^ 2)) / (1 + z_95() ^ 2 / n);

create macro wilson_low(share, n) as
wilson_centre(share, n) - wilson_half(share, n);

create macro wilson_high(share, n) as
wilson_centre(share, n) + wilson_half(share, n);

-- Newcombe's interval of a weighted sum of independent estimates: the squared distance to
-- its lower (upper) bound is the sum of these over the estimates.
create macro newcombe_below(weight, estimate, low, high) as
weight ^ 2 * case when weight > 0 then estimate - low else high - estimate end ^ 2;

create macro newcombe_above(weight, estimate, low, high) as
weight ^ 2 * case when weight > 0 then high - estimate else estimate - low end ^ 2;

-- Half the normal interval of a mean, from the means of n values and of their squares.
create macro normal_half(mean, mean_square, n) as
z_95() * sqrt(greatest(mean_square - mean ^ 2, 0) / nullif(n - 1, 0));

-- The interval of a mean of n paired differences within [-1, 1], from their sum and the sum
-- of their squares. As of Bonett and Price (2012): one pair is added on each side, so that
-- there is an interval if all differences are equal too.
create macro paired_half(summed, summed_squares, n) as
z_95() * sqrt(((summed_squares + 2) / (n + 2) - (summed / (n + 2)) ^ 2) / (n + 2));

create macro paired_low(summed, summed_squares, n) as
greatest(summed / (n + 2) - paired_half(summed, summed_squares, n), -1);

create macro paired_high(summed, summed_squares, n) as
least(summed / (n + 2) + paired_half(summed, summed_squares, n), 1);
