"""Everything needed to resume a run, in one safetensors file: tensors as tensors, the rest as JSON beside them.

A tree (dicts, lists, tuples, tensors, numbers, strings, None) enters, a file leaves, and the same tree comes
back. Nothing is pickled, so opening somebody's checkpoint cannot run somebody's code.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.system.files import replacing


def save_tree(tree: Any, path: str | Path) -> None:
    """Write a tree of tensors and plain values to `path` atomically: readers see the old file or the new one.

    Raises CourseError for values of other types. Chapter 01.
    """
    tensors: dict[str, Tensor] = {}
    skeleton = json.dumps(_describe(tree, tensors, "tree"))
    with replacing(Path(path)) as partial:
        save_file(tensors, partial, metadata={"tree": skeleton})


def load_tree(path: str | Path) -> Any:
    """Read a file from `save_tree`, with tensors on the CPU. CourseError if missing or damaged. Chapter 01."""
    if not Path(path).is_file():
        raise CourseError(f"no checkpoint at {path}; check the path, or train first")
    try:
        with safe_open(path, framework="pt") as file:
            skeleton = json.loads((file.metadata() or {})["tree"])
            return _rebuild(skeleton, file.get_tensor)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CourseError(f"{path} is not a complete checkpoint of this course ({error}); train again") from error


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write a network's state (weights and buffers) as plain safetensors, readable by any tool. Chapter 01."""
    with replacing(Path(path)) as partial:
        save_file({name: _alone(tensor) for name, tensor in model.state_dict().items()}, partial)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load a file from `save_weights`. CourseError, model unchanged, if it does not fit. Chapter 01.

    A network on torch's meta device gets its tensors here; others keep their device and dtype.
    """
    if not Path(path).is_file():
        raise CourseError(f"no weights at {path}; check the path, or train first")
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise CourseError(f"{path} is damaged ({error}); download it or train again") from error
    wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
    odd = [n for n in wanted.keys() | state.keys() if n not in state or state[n].shape != wanted.get(n)]
    if odd:
        raise CourseError(f"{path} is for another network: {sorted(odd)[0]} is missing or has another shape")
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        # Use the network's dtype, since a file may hold 16-bit weights. Copy, so that the file is released.
        types = {name: tensor.dtype for name, tensor in model.state_dict().items()}
        model.load_state_dict({name: tensor.to(types[name], copy=True) for name, tensor in state.items()}, assign=True)
    else:
        model.load_state_dict(state)


def random_state() -> dict[str, Any]:
    """The state of every random generator that training uses, as a tree. Chapter 01."""
    kind, keys, position, has_gauss, cached = np.random.get_state()
    state = {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Restore a state from `random_state`. Chapter 01."""
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def _alone(tensor: Tensor) -> Tensor:
    """A contiguous CPU copy, because safetensors rejects tensors that share memory."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _describe(value: Any, tensors: dict[str, Tensor], name: str) -> Any:
    # JSON has no tensors, tuples or integer keys (as in Adam's state), so each gets a tagged form.
    if isinstance(value, Tensor):
        tensors[name] = _alone(value)
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _describe(part, tensors, f"{name}.{key}")] for key, part in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_describe(part, tensors, f"{name}.{i}") for i, part in enumerate(value)]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise CourseError(f"checkpoint: {name} is a {type(value).__name__}; only tensors, numbers and text can be saved")


def _rebuild(value: Any, get_tensor) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return get_tensor(content)
    if kind == "dict":
        return {key: _rebuild(part, get_tensor) for key, part in content}
    parts = [_rebuild(part, get_tensor) for part in content]
    return tuple(parts) if kind == "tuple" else parts
