"""A causal language model that can be read, and edited, at any layer while it runs.

Layer 0 is the input of the first block, layer l the raw output of block l, counted from
1, before the final norm.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bisae.errors import AddressError, CheckpointError
from bisae.lm.activations import CachedActivations, caching, skipping
from bisae.lm.kv_cache import KVCache
from bisae.lm.shape import find_blocks, shape_of


class _Enough(Exception):
    """Raised at the highest requested layer, so that no block above it runs."""


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Return the sha256 of weights: their names, shapes, dtypes and values."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {tuple(weight.shape)} {weight.dtype}\n".encode())
        flat = weight.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


class LanguageModel:
    """A causal LM in eval mode, run without gradients; `load_lm` makes one."""

    def __init__(self, model: Any) -> None:
        """Wrap a causal LM. Raises CheckpointError where its blocks are not found."""
        self._model = model.eval()
        self._name = type(model).__name__
        self._blocks = find_blocks(model)
        self.shape = shape_of(model.config)
        self.n_layers, self.d_model, self.vocab_size, self.max_tokens = self.shape
        weights = list(model.parameters())
        self.n_params = sum(weight.numel() for weight in weights)
        self.nbytes = sum(weight.nbytes for weight in weights)
        self.device: torch.device = model.device
        self.dtype: torch.dtype = model.dtype
        self._kv_cache: KVCache | None = None
        self.cache_trials: dict[Any, tuple[bool, int, int]] = {}
        """Results of testing KV caches, with the numbers of tokens tested."""
        self.skip_trials: dict[int, bool] = {}
        """Results of testing passes that start at a layer."""

    @property
    def commit_hash(self) -> str | None:
        """The commit that the hub resolved the revision to; None for a folder."""
        commit_hash: str | None = getattr(self._model.config, "_commit_hash", None)
        return commit_hash

    def fingerprint(self) -> str:
        """Return the sha256 of all weights as loaded; tied ones once, no buffers."""
        return weights_digest(dict(self._model.named_parameters()))

    def weight_groups(self) -> dict[str, dict[str, Tensor]]:
        """Return the weights by group, from below, and by name; tied ones once.

        `embedding` has the embeddings of tokens and positions, `block l` a block, and
        `head` everything else: the final norm and the output layer.
        """
        groups: dict[str, dict[str, Tensor]] = {"embedding": {}}
        group_of: dict[Tensor, str] = {}
        for module in self._model.modules():
            if isinstance(module, nn.Embedding):
                group_of[module.weight] = "embedding"
        for number, block in enumerate(self._blocks, 1):
            groups[f"block {number}"] = {}
            for weight in block.parameters():
                group_of.setdefault(weight, f"block {number}")
        groups["head"] = {}
        for name, weight in self._model.named_parameters():
            groups[group_of.get(weight, "head")][name] = weight.detach()
        return {group: weights for group, weights in groups.items() if weights}

    @torch.no_grad()
    def shuffle_weights(self, seed: int) -> None:
        """Permute the numbers within each weight, for as long as the model is loaded.

        Weights of one name and size are permuted alike, so that two steps of a model
        stay as similar as they are. A permutation takes 8 bytes a number.
        """
        for name, weight in self._model.named_parameters():
            named = zlib.crc32(name.encode())
            generator = torch.Generator().manual_seed((seed + named) % 2**63)
            order = torch.randperm(weight.numel(), generator=generator)
            shuffled = weight.flatten()[order.to(weight.device)]
            weight.copy_(shuffled.view_as(weight))

    def hidden_states(
        self, token_id: Tensor, mask: Tensor, layers: Sequence[int]
    ) -> dict[int, Tensor]:
        """Return each layer's states, (b, t, d), in one pass that stops at the highest.

        `token_id` is (b, t); `mask` is (b, t), true at real tokens; padding is on the
        right, with any ids. The states have the model's dtype and device, and include
        active edits. States at padding are meaningless.
        Raises AddressError for a layer that the model does not have.
        """
        highest = max(layers, default=0)
        shape = (*token_id.shape, self.d_model)
        states: dict[int, Tensor] = {}

        def keep(layer: int, state: Tensor) -> Tensor:
            if state.shape != shape:
                msg = f"{self._name} gives {tuple(state.shape)} at layer {layer}, not "
                msg += f"(batch, tokens, d_model) = {shape}; it cannot be studied"
                raise CheckpointError(msg)
            states[layer] = state
            if layer == highest:
                raise _Enough
            return state

        with ExitStack() as hooks, suppress(_Enough):
            for layer in {*layers, highest}:
                hooks.enter_context(self.edited(layer, partial(keep, layer)))
            self._run(token_id, mask)
        return {layer: states[layer] for layer in layers}

    @contextmanager
    def edited(self, layer: int, edit: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Replace the states h of `layer`, (b, t, d), by edit(h) in every pass within.

        Edits nest: a later one sees the result of an earlier one. The result is cast to
        h's dtype. Raises AddressError for a layer that the model does not have.
        """
        self._check(layer)

        def replace(state: Tensor) -> Tensor:
            return edit(state).to(state)

        def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if args:
                return (replace(args[0]), *args[1:]), kwargs
            return args, kwargs | {"hidden_states": replace(kwargs["hidden_states"])}

        def after(_: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
            if isinstance(output, Tensor):
                return replace(output)
            return (replace(output[0]), *output[1:])

        if layer == 0:
            hook = self._blocks[0].register_forward_pre_hook(before, with_kwargs=True)
        else:
            hook = self._blocks[layer - 1].register_forward_hook(after)
        try:
            yield
        finally:
            hook.remove()

    @contextmanager
    def caching(self, layer: int) -> Iterator[CachedActivations]:
        """Cache the states of `layer` in every pass within, for `resume_from_layer`.

        Raises AddressError for a layer that the model does not have.
        """
        if layer == 0:
            cached = CachedActivations()

            def store(state: Tensor) -> Tensor:
                cached.store(state)
                return state

            with self.edited(0, store):
                yield cached
            return
        self._check(layer)
        with caching(self._blocks[layer - 1]) as cached:
            yield cached

    @contextmanager
    def resume_from_layer(
        self, layer: int, cached: CachedActivations, state: Tensor
    ) -> Iterator[None]:
        """Start passes over the batch of `cached` at `layer`, from `state`.

        The blocks up to the layer are skipped if the model is shown to give the same
        losses without them; `state` is (b, t, d).
        """
        from bisae.lm.cache_checks import can_skip

        if layer and can_skip(self, layer):
            with self.skipping(layer, cached, state):
                yield
        else:
            with self.edited(layer, lambda _: state):
                yield

    @contextmanager
    def skipping(
        self, layer: int, cached: CachedActivations, state: Tensor
    ) -> Iterator[None]:
        """Skip blocks as `resume_from_layer` does, without testing the model."""
        with skipping(list(self._blocks)[:layer], cached, state.to(cached.state)):
            yield

    @contextmanager
    def with_kv_cache(self) -> Iterator[None]:
        """Continue each pass from the last one, with cached keys and values.

        `token_id` is (b, t), the new tokens; `mask` is (b, all tokens so far). Padding
        is on the left. Valid only if `can_cache`.
        """
        self._kv_cache = KVCache(self._model)
        try:
            yield
        finally:
            self._kv_cache = None

    def next_logits(self, token_id: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of each text's next token, (b, vocab), float32.

        Padding is on the right; with a KV cache it is on the left.
        """
        logits: Tensor = self._run(token_id, mask).logits
        if self._kv_cache:
            return logits[:, -1].float()
        last = mask.sum(1).sub(1).to(logits.device)
        return logits[torch.arange(len(last), device=last.device), last].float()

    def token_losses(self, token_id: Tensor, mask: Tensor) -> Tensor:
        """Return the cross-entropy, in nats, of tokens 2..t, (b, t-1); 0 at padding."""
        logits = self._run(token_id, mask).logits[:, :-1]  # (b, t-1, vocab)
        real = mask[:, 1:].to(self.device)
        target = token_id[:, 1:].to(self.device).where(real, 0)
        losses = [  # row by row: all logits as float32 would take much memory
            F.cross_entropy(row.float(), to, reduction="none")
            for row, to in zip(logits, target, strict=True)
        ]
        return torch.stack(losses).where(real, 0)

    def input_embeddings(self) -> Tensor:
        """Copy the rows of `get_input_embeddings()`: (vocab, d), float32, on cpu."""
        weight: Tensor = self._model.get_input_embeddings().weight
        return weight.detach().to("cpu", torch.float32, copy=True)

    def _check(self, layer: int) -> None:
        if not 0 <= layer <= self.n_layers:
            msg = f"no layer {layer} in {self._name}: it has 0 to {self.n_layers}"
            raise AddressError(msg)

    @torch.no_grad()
    def _run(self, token_id: Tensor, mask: Tensor) -> Any:
        mask, n = mask.to(self.device), token_id.shape[1]
        token_id = token_id.to(self.device).where(mask[:, -n:], 0)  # padding may be -1
        kwargs = (
            self._kv_cache.arguments(mask, n)
            if self._kv_cache
            else {"use_cache": False}
        )
        return self._model(token_id, attention_mask=mask.long(), **kwargs)
