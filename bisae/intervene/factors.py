"""What an addition's features are multiplied by, so that all add as much.

Reads the full model's codes; a class that fires more often would else add more. The
measure is the mean over tokens of the norm of W_dec^T (mask * z), without b_pre: the
mean of the classes' first draws is what every other is brought to.
"""

from collections.abc import Sequence

from bisae.intervene.additions import Addition
from bisae.intervene.batches import Encodings
from bisae.intervene.equation import Masked

AT_ONCE = 8192
"""Tokens that are decoded at a time."""
Factor = tuple[float, float]
"""As it is, and scaled back by the full model's norm."""
ONE: Factor = (1.0, 1.0)


def factors(
    additions: Sequence[Addition],
    masks: Sequence[Masked],
    codes: Encodings,
    classes: set[str],
) -> list[Factor]:
    """A factor for each addition: 1 but for those that control the norm."""
    both = list(zip(additions, masks, strict=True))
    found = {one: _norms(of, codes) for one, of in both if one.control == "norm"}
    norm = {
        m: [
            own
            for one, own in found.items()
            if one.m == m and one.draw == 0 and one.added in classes
        ]
        for m in {one.m for one in found}
    }
    wanted = {
        m: tuple(sum(some) / len(some) for some in zip(*own, strict=True))
        for m, own in norm.items()
    }
    return [
        _ratio(wanted[one.m], found[one]) if one in found else ONE for one in additions
    ]


def _ratio(wanted: tuple[float, ...], own: Factor) -> Factor:
    plain, scaled = (w / o if o else 1.0 for w, o in zip(wanted, own, strict=True))
    return plain, scaled


def _norms(mask: Masked, codes: Encodings) -> Factor:
    """Mean norms over all tokens, as they are and scaled back."""
    plain = scaled = 0.0
    for first in range(0, len(codes), AT_ONCE):
        code, norm = codes.of(first, min(AT_ONCE, len(codes) - first))
        size = mask.decode(code).norm(dim=1).double()
        plain += float(size.sum())
        scaled += float((size * norm).sum())
    return plain / len(codes), scaled / len(codes)
