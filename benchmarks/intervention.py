"""Time of a setting of the intervention, compared with passes of the model.

    OMP_WAIT_POLICY=passive python benchmarks/intervention.py

An untrained Llama, random features of a random autoencoder. Times, in turn and medians
of the rounds: one whole pass, one from the layer on, and a batch with every setting as
`bisae intervene` measures it. The floor of that batch is one whole pass and one from
the layer on for each setting; the plain way is a whole pass for each.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from bisae.formats import Rows, render
from bisae.intervene.batches import Batch
from bisae.intervene.equation import encode_states, masked_decoders
from bisae.intervene.measure import BatchLosses, PreparedVector, all_settings
from bisae.intervene.steering import SteeringVector
from bisae.lm import LanguageModel
from bisae.sae import Autoencoder, from_numpy
from bisae.study import Sae
from study import VOCABULARY, make_lm

CLASSES, ALPHAS, DRAWS, FEATURES = ("a", "b", "mixed"), (0.1, 0.5), 5, 500
N, K = 4096, 32


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--documents", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    layer = arguments.layers // 2
    mid = LanguageModel(make_lm(arguments.d, arguments.layers))
    batch, sae = text(arguments.documents), autoencoder(arguments.d)
    token_id, mask = batch.token_id, batch.mask
    raw = mid.hidden_states(token_id, mask, [layer])[layer][batch.edited].float()
    code, prepared = encode_states(sae, raw), prepared_vectors(sae)
    settings = all_settings([vector.vector for vector in prepared], ALPHAS)
    with mid.caching(layer) as cached:
        mid.token_losses(token_id, mask)

    def whole() -> None:
        mid.token_losses(token_id, mask)

    def upper() -> None:
        with mid.resume_from_layer(layer, cached, cached.state):
            mid.token_losses(token_id, mask)

    def every() -> None:
        of_batch = BatchLosses(mid, layer, batch)
        list(of_batch.rows(code, prepared, sae.b_pre, set(settings)))

    taken = {name: [] for name in ("whole", "upper", "every")}
    for _ in range(arguments.rounds):
        for work, times in zip((whole, upper, every), taken.values(), strict=True):
            times.append(seconds(work))
    whole_seconds, upper_seconds, every_seconds = map(statistics.median, taken.values())
    added = len(settings) - 1
    floor = whole_seconds + added * upper_seconds
    rows = [
        ("one whole pass", whole_seconds, whole_seconds / floor),
        ("one pass from the layer on", upper_seconds, upper_seconds / floor),
        (f"floor: a whole pass and {added} from the layer on", floor, 1.0),
        (f"a batch with {added} settings", every_seconds, every_seconds / floor),
        (
            f"{added + 1} whole passes",
            (added + 1) * whole_seconds,
            (added + 1) * whole_seconds / floor,
        ),
    ]
    print(render(Rows(["what", "seconds", "ratio"], rows), "markdown"))


def text(documents: int) -> Batch:
    """Draw random windows of 64 tokens."""
    token_id = torch.randint(VOCABULARY, (documents, 64))
    mask = torch.ones_like(token_id, dtype=torch.bool)
    return Batch(list(range(documents)), ["a"] * documents, token_id, mask)


def autoencoder(d: int) -> Autoencoder:
    """Draw random directions, with equal encoder rows."""
    rows = torch.randn(N, d, generator=torch.Generator().manual_seed(0))
    unit = (rows / rows.norm(dim=1, keepdim=True)).numpy()
    arrays = {"W_enc": unit, "W_dec": unit, "b_pre": unit[0] * 0}
    return from_numpy(arrays, Sae(n_features=N, k=K), torch.device("cpu"))


def prepared_vectors(sae: Autoencoder) -> list[PreparedVector]:
    """Draw features of each class, several times."""
    vectors = [
        SteeringVector(
            name, "m", FEATURES, draw, tuple(torch.randperm(N)[:FEATURES].tolist())
        )
        for name in CLASSES
        for draw in range(DRAWS)
    ]
    return [
        PreparedVector(vector, decoder, (1.0, 1.0))
        for vector, decoder in zip(
            vectors, masked_decoders(vectors, sae, 0), strict=True
        )
    ]


def seconds(work: Callable[[], None]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
