-- The formulas that several views use: 95 % intervals of shares and of their differences.
-- Every database has these macros, a catalog as well. A share of nothing has no interval.

-- The 97.5 % quantile of the standard normal distribution.
create macro z_95() as 1.959964;

-- A number, or the limit that it exceeds; null stays null.
create macro clamp(x, low, high) as
case when x < low then low when x > high then high else x end;

-- Wilson's score interval of a share of n: its centre, half its width, and its bounds.
-- Rounding moves no bound beyond 0, 1 or the share.
create macro wilson_centre(share, n) as
(share + z_95() ^ 2 / (2 * n)) / (1 + z_95() ^ 2 / n);

create macro wilson_half(share, n) as
z_95() * sqrt(share * (1 - share) / n + z_95() ^ 2 / (4 * n ^ 2)) / (1 + z_95() ^ 2 / n);

create macro wilson_low(share, n) as
clamp(wilson_centre(share, n) - wilson_half(share, n), 0, share);

create macro wilson_high(share, n) as
clamp(wilson_centre(share, n) + wilson_half(share, n), share, 1);

-- Newcombe's interval of a weighted sum of independent estimates: the squared distance to
-- its lower (upper) bound is the sum of these over the estimates.
create macro newcombe_below(weight, estimate, low, high) as
weight ^ 2 * case when weight > 0 then estimate - low else high - estimate end ^ 2;

create macro newcombe_above(weight, estimate, low, high) as
weight ^ 2 * case when weight > 0 then high - estimate else estimate - low end ^ 2;
