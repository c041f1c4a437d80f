-- The formulas that several views use: 95 % intervals of shares, differences and means.
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

-- Student's t distribution with df degrees of freedom, not always a whole number, by
-- Wallace's approximation (1959): the normal value whose probability is that of t, and the
-- 97.5 % quantile of t, which is 4 % too high at df = 2, 1 % at 3 and less beyond.
create macro normal_of_t(t, df) as
sign(t) * (8 * df + 1) / (8 * df + 3) * sqrt(df * ln(1 + t ^ 2 / df));

create macro t_95(df) as
sqrt(df * (exp((z_95() * (8 * df + 3) / (8 * df + 1)) ^ 2 / df) - 1));
