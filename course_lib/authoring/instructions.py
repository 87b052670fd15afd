"""Which of the processor's instructions the numeric libraries may use: the one place that knows their variables.

float32 sums depend on their order, and the order depends on the width of the registers, so a chapter that trains gives
different last digits on another processor. Limiting this machine's instructions shows what an older one will compute.

| variable | read by |
|---|---|
| ATEN_CPU_CAPABILITY | torch's own kernels: default (SSE), avx2, avx512 |
| ONEDNN_MAX_CPU_ISA | oneDNN: convolutions and matrix products inside torch |
| MKL_ENABLE_INSTRUCTIONS, MKL_CBWR | MKL: torch's matrix products and decompositions on Intel and elsewhere |
| OPENBLAS_CORETYPE | OpenBLAS: NumPy's and SciPy's matrix products and decompositions |

Course machinery.
"""

import platform

from course_lib.errors import CourseError

VARIABLES: dict[str, dict[str, str]] = {
    "own": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "MKL_CBWR": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "sse41": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
}


def variables(instructions: str) -> dict[str, str]:
    """The environment variables that limit the libraries to `own`, `avx2` or `sse41` instructions.

    Raises CourseError for another name, or for a limit on a processor that is not x86.
    """
    if instructions not in VARIABLES:
        raise CourseError(f"--instructions {instructions} is unknown; give one of {', '.join(VARIABLES)}.")
    if instructions != "own" and not is_x86():
        raise CourseError(
            f"--instructions {instructions} needs an x86 processor, not {platform.machine()}; leave it out."
        )
    return VARIABLES[instructions]


def is_x86() -> bool:
    """Whether this is the architecture on which the figures' spread was measured."""
    return platform.machine().lower() in ("x86_64", "amd64")
