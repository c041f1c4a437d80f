"""Cache a layer's activations to rerun only the blocks above it.

While the cached output of the lower blocks is put back, none of them runs.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn


class CachedActivations:
    """The output of block l in the last pass over a batch; empty before a pass."""

    def __init__(self) -> None:
        self._rest: tuple[Any, ...] | None = None
        self._state: Tensor | None = None

    @property
    def state(self) -> Tensor:
        """The states of layer l, (b, t, d). Raises LookupError before a pass."""
        if self._state is None:
            msg = "nothing is cached before a pass"
            raise LookupError(msg)
        return self._state

    def output(self, state: Tensor) -> Any:
        """Return the block's output, alone or the first of a tuple, as `state`."""
        return state if self._rest is None else (state, *self._rest)

    def store(self, output: Any) -> None:
        """Cache a block's output."""
        is_tuple = not isinstance(output, Tensor)
        self._state, self._rest = (
            (output[0], output[1:]) if is_tuple else (output, None)
        )


@contextmanager
def caching(block: nn.Module) -> Iterator[CachedActivations]:
    """Cache the output of a block in every pass within the context."""
    cached = CachedActivations()
    hook = block.register_forward_hook(lambda _, _args, output: cached.store(output))
    try:
        yield cached
    finally:
        hook.remove()


@contextmanager
def skipping(
    blocks: Sequence[nn.Module], cached: CachedActivations, state: Tensor
) -> Iterator[None]:
    """Skip these blocks: the last one returns `state`, the others their input.

    Embeddings, positions and masks, outside of the blocks, are computed as usual.
    """

    def pass_through(*args: Any, **kwargs: Any) -> Any:
        return cached.output(args[0] if args else kwargs["hidden_states"])

    def put_back(*_args: Any, **_kwargs: Any) -> Any:
        return cached.output(state)

    with ExitStack() as stack:
        for block in blocks:
            forward = put_back if block is blocks[-1] else pass_through
            block.forward = forward
            stack.callback(delattr, block, "forward")
        yield
