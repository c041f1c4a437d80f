"""Run the blocks above a layer again and again, those up to it once.

What the lower blocks gave is kept; while it is put back, none of them runs.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn


class Kept:
    """What block l gave in the last pass over a batch; empty before it."""

    def __init__(self) -> None:
        self._rest: tuple[Any, ...] | None = None
        self._state: Tensor | None = None

    @property
    def state(self) -> Tensor:
        """The states of layer l, (b, t, d). Raises LookupError before a pass."""
        if self._state is None:
            msg = "nothing is kept before a pass"
            raise LookupError(msg)
        return self._state

    def output(self, state: Tensor) -> Any:
        """What a block gives, with another state in it: alone, or first of a tuple."""
        return state if self._rest is None else (state, *self._rest)

    def keep(self, output: Any) -> None:
        """Keep a block's output."""
        whole = not isinstance(output, Tensor)
        self._state, self._rest = (output[0], output[1:]) if whole else (output, None)


@contextmanager
def keeping(block: nn.Module) -> Iterator[Kept]:
    """Keep what a block gives in every pass within."""
    kept = Kept()
    hook = block.register_forward_hook(lambda _, _args, output: kept.keep(output))
    try:
        yield kept
    finally:
        hook.remove()


@contextmanager
def skipping(blocks: Sequence[nn.Module], kept: Kept, state: Tensor) -> Iterator[None]:
    """Within, no block of these computes: the last gives `state`, others their input.

    Embeddings, positions and masks, which stand outside of the blocks, are as ever.
    """

    def passed_on(*args: Any, **named: Any) -> Any:
        return kept.output(args[0] if args else named["hidden_states"])

    def put_back(*_args: Any, **_named: Any) -> Any:
        return kept.output(state)

    with ExitStack() as stack:
        for block in blocks:
            forward = put_back if block is blocks[-1] else passed_on
            block.forward = forward
            stack.callback(delattr, block, "forward")
        yield
