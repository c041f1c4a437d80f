-- The formulas that several views use: 95 % intervals of shares and of their differences,
-- quantiles and p-values; the text of tokens.
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

-- The variance of a share of n, of which it does not vanish at 0 and 1: Agresti and Coull's.
create macro share_variance(share, n) as
((n * share + 2) / (n + 4)) * (1 - (n * share + 2) / (n + 4)) / n;

-- The sample variance of n values, from their sum and the sum of their squares.
create macro sample_variance(total, squares, n) as
greatest(0, squares - total ^ 2 / n) / nullif(n - 1, 0);

-- Student's t with some degrees of freedom as a normal deviate, and the other way round
-- (Wallace 1959). Exact to 1.5 % from 3 degrees of freedom, to 0.2 % from 7.
create macro normal_deviate(t, degrees) as
sign(t) * (8 * degrees + 1) / (8 * degrees + 3)
* sqrt(degrees * ln(1 + t ^ 2 / degrees));

create macro student_quantile(z, degrees) as
sqrt(
    degrees * (exp((z * (8 * degrees + 3) / (8 * degrees + 1)) ^ 2 / degrees) - 1)
);

-- The probability of a normal deviate as far from 0 (Abramowitz and Stegun 7.1.26; its
-- absolute error is below 2e-7).
create macro error_polynomial(t) as
t * (
    0.254829592
    + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
);

create macro two_sided_p(z) as
error_polynomial(1 / (1 + 0.3275911 * abs(z) / sqrt(2))) * exp(-(z ^ 2) / 2);

-- Holm's adjustment of p for a list of tests that p is one of, nulls aside: the largest
-- (m - i + 1) p_i of the i-th smallest p_i up to p, of m, at most 1. Null without a p.
create macro holm_of_sorted(p, sorted) as
list_max([
    least(1, (len(sorted) - i + 1) * sorted[i])
    for i in range(1, len(sorted) + 1)
    if sorted[i] <= p
]);

create macro holm(p, tests) as
holm_of_sorted(p, list_sort([test for test in tests if test is not null]));

-- Is a difference confounded with how well the sides are reconstructed? Their FVU differ by
-- more than a quarter, and matched in FVU or in firings per feature, half of the difference's
-- interval no longer keeps it from 0.
create macro is_confounded(
    estimate, half, fvu_left, fvu_right, at_same_fvu, at_same_firings
) as
coalesce(greatest(fvu_left, fvu_right) > 1.25 * least(fvu_left, fvu_right), false)
and not coalesce(
    sign(estimate) * at_same_fvu > half and sign(estimate) * at_same_firings > half, false
);

-- The verdict on a difference, from its p in the family of tests, and half of its 90 %
-- interval: a difference is negligible if that lies within the margin (two one-sided tests).
create macro verdict(p_family, estimate, confounded, half_90, margin) as
case
    when p_family is null then null
    when p_family < 0.05 and confounded then 'confounded'
    when p_family < 0.05 and estimate > 0 then 'yes'
    when p_family < 0.05 then 'no'
    when abs(estimate) + half_90 < margin then 'negligible'
    else 'undecided'
end;

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

-- Does a feature fire on so many tokens that it says nothing of what it fires on?
create macro is_dense(density) as density > 0.1::double;

-- Is a feature divided: do two or more parts hold half of its firings together, and no feature
-- two thirds alone?
create macro is_divided(n_parts, parts_share, held) as
n_parts >= 2 and coalesce(parts_share >= 0.5::double, false) and held < 2 / 3;

-- The event that a feature's fate in another cell is, seen from the earlier or the later cell.
create macro event_of(fate, is_earlier) as
case fate
    when 'divided' then if(is_earlier, 'split', 'merge')
    when 'part' then if(is_earlier, 'merge', 'split')
    when 'held' then if(is_earlier, 'widened', 'narrowed')
    when 'holds' then if(is_earlier, 'narrowed', 'widened')
    else fate
end;

-- The address of a cell as one value.
create macro cell_of(size, step, layer) as concat_ws('/', size, step, layer);

-- Is a feature monolingual, mixed, or mixed without its tokens being more alike than random ones?
create macro state_of(language, monosemanticity, monosemanticity_null) as
case
    when language <> 'mixed' then 'monolingual'
    when monosemanticity <= monosemanticity_null then 'polysemantic'
    else 'mixed'
end;

-- A token as it stands in the text of a document before it is decoded. chr(31) separates
-- tokens, and % begins an escaped byte.
create macro escaped_token(token, token_id) as
coalesce(replace(replace(token, '%', '%25'), chr(31), '␟'), '<' || token_id || '>');

-- Bytes of a character that is split over two, three or four tokens, <0xE7>, become %E7;
-- the separators between them move after them.
create macro escaped_pairs(joined) as
regexp_replace(joined, '<0x([CD].)>(\x1F?)<0x([89AB].)>', '%\1%\3\2', 'g');

create macro escaped_triples(joined) as
regexp_replace(
    joined,
    '<0x(E.)>(\x1F?)<0x([89AB].)>(\x1F?)<0x([89AB].)>',
    '%\1%\3%\5\2\4',
    'g'
);

create macro escaped_quadruples(joined) as
regexp_replace(
    joined,
    '<0x(F.)>(\x1F?)<0x([89AB].)>(\x1F?)<0x([89AB].)>(\x1F?)<0x([89AB].)>',
    '%\1%\3%\5%\7\2\4\6',
    'g'
);

-- The text that each of several escaped tokens adds; bytes that are no text stay as they are.
create macro decoded_tokens(joined) as
string_split(
    coalesce(
        try(url_decode(escaped_quadruples(escaped_triples(escaped_pairs(joined))))),
        replace(joined, '%25', '%')
    ),
    chr(31)
);
