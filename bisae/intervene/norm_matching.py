"""Norm matching: scale steering vectors so that all have the same mean norm.

Reads the full model's codes. Without it, a class that fires more often adds more. The
norm is that of W_dec^T (mask * z), without b_pre, averaged over tokens; every vector is
scaled to the mean over the classes' first draws.
"""

from collections.abc import Sequence

from bisae.intervene.batches import Encodings
from bisae.intervene.equation import MaskedDecoder
from bisae.intervene.steering import SteeringVector

BATCH_TOKENS = 8192
"""Number of tokens decoded at a time."""
NormRatios = tuple[float, float]
"""Without and with `scale_back`, by the full model's norm."""
UNCHANGED: NormRatios = (1.0, 1.0)


def match_norms(
    vectors: Sequence[SteeringVector],
    decoders: Sequence[MaskedDecoder],
    codes: Encodings,
    classes: set[str],
) -> list[NormRatios]:
    """Return what scales each steering vector: 1 unless its control is `norm`."""
    pairs = list(zip(vectors, decoders, strict=True))
    norms = {
        vector: _norms(decoder, codes)
        for vector, decoder in pairs
        if vector.control == "norm"
    }
    class_norms = {
        m: [
            mean_norms
            for vector, mean_norms in norms.items()
            if vector.m == m and vector.draw == 0 and vector.added in classes
        ]
        for m in {vector.m for vector in norms}
    }
    targets = {
        m: tuple(
            sum(norms_of_draws) / len(norms_of_draws)
            for norms_of_draws in zip(*mean_norms, strict=True)
        )
        for m, mean_norms in class_norms.items()
    }
    return [
        _ratio(targets[vector.m], norms[vector]) if vector in norms else UNCHANGED
        for vector in vectors
    ]


def _ratio(target: tuple[float, ...], mean_norms: NormRatios) -> NormRatios:
    plain, scaled = (
        w / o if o else 1.0 for w, o in zip(target, mean_norms, strict=True)
    )
    return plain, scaled


def _norms(decoder: MaskedDecoder, codes: Encodings) -> NormRatios:
    """Average the norm over all tokens, without and with `scale_back`."""
    plain = scaled = 0.0
    for first in range(0, len(codes), BATCH_TOKENS):
        code, norm = codes.read(first, min(BATCH_TOKENS, len(codes) - first))
        size = decoder.decode(code).norm(dim=1).double()
        plain += float(size.sum())
        scaled += float((size * norm).sum())
    return plain / len(codes), scaled / len(codes)
