"""The types of files, and the tables of what their tensors get.

Source: llama.cpp, `src/llama-quant.cpp`; what the tables mean is in `mix`.
"""

from __future__ import annotations

from collections.abc import Mapping

from corral.gguf import TENSOR_TYPES

NUMBERS = {kind.name: number for number, kind in TENSOR_TYPES.items()}
F32, F16, BF16 = NUMBERS["F32"], NUMBERS["F16"], NUMBERS["BF16"]

# File type -> the type that tensors have unless a rule says otherwise; from fine to coarse.
FILE_TYPES: Mapping[str, str] = {
    **{name: name for name in ("F32", "F16", "BF16", "Q8_0", "Q6_K")},
    "Q5_K_M": "Q5_K",
    "Q5_K_S": "Q5_K",
    "Q5_1": "Q5_1",
    "Q5_0": "Q5_0",
    "Q4_K_M": "Q4_K",
    "Q4_K_S": "Q4_K",
    "Q4_1": "Q4_1",
    "Q4_0": "Q4_0",
    "IQ4_NL": "IQ4_NL",
    "IQ4_XS": "IQ4_XS",
    "MXFP4_MOE": "MXFP4",
    "Q3_K_L": "Q3_K",
    "Q3_K_M": "Q3_K",
    "Q3_K_S": "Q3_K",
    "IQ3_M": "IQ3_S",
    "IQ3_S": "IQ3_S",
    "IQ3_XS": "IQ3_S",
    "IQ3_XXS": "IQ3_XXS",
    "Q2_K": "Q2_K",
    "Q2_K_S": "Q2_K",
    "Q2_0": "Q2_0",
    "TQ2_0": "TQ2_0",
    "TQ1_0": "TQ1_0",
    "IQ2_M": "IQ2_S",
    "IQ2_S": "IQ2_XS",
    "IQ2_XS": "IQ2_XS",
    "IQ2_XXS": "IQ2_XXS",
    "IQ1_M": "IQ1_M",
    "IQ1_S": "IQ1_S",
    "Q1_0": "Q1_0",
}
# What people say for the mix that is meant when nobody says more.
_SHORT = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "MXFP4": "MXFP4_MOE"}
UNQUANTIZED = frozenset({"F32", "F16", "BF16"})
COARSE = frozenset({"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"})
FINER_COARSE = frozenset({"IQ2_S", "IQ2_M"})

# Rows that are no whole blocks of a type get this one, with smaller blocks; where that fits neither, F16.
_NARROW: Mapping[str, str] = {
    **dict.fromkeys(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_XS"), "IQ4_NL"),
    **dict.fromkeys(("Q2_0", "Q2_K", "Q3_K", "TQ1_0", "TQ2_0"), "Q4_0"),
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
}

# What every tensor of a kind gets in a file of a type.
EMBEDDING: Mapping[str, str] = {
    **dict.fromkeys(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS"), "Q2_K"),
    **dict.fromkeys(("IQ2_S", "IQ2_M", "IQ3_XXS"), "IQ3_S"),
    **dict.fromkeys(("TQ1_0", "TQ2_0", "Q2_0"), "Q4_K"),
}
VALUE: Mapping[str, str] = {"Q2_K": "Q3_K", "IQ3_M": "Q4_K", "Q3_K_L": "Q5_K"}
SHARED_VALUE: Mapping[str, str] = {  # where four heads or more share the values, these are small
    **dict.fromkeys(("Q2_K", "Q2_K_S", "IQ3_XXS", "IQ3_XS", "IQ3_S"), "Q4_K"),
    **dict.fromkeys(("IQ4_NL", "IQ4_XS"), "Q5_K"),
}
KEY_OR_QUERY: Mapping[str, str] = {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}
ATTENTION_OUTPUT: Mapping[str, str] = {
    "Q2_K": "Q3_K",
    "IQ3_XXS": "IQ3_S",
    "Q3_K_M": "Q4_K",
    "Q3_K_L": "Q5_K",
    "IQ3_M": "Q4_K",
}
# Files in which a model with eight experts has it in Q5_K.
EXPERTS_OUTPUT = frozenset(
    [
        "Q2_K",
        "Q3_K_S",
        "Q3_K_M",
        "Q4_K_S",
        "Q4_K_M",
        "IQ3_XS",
        "IQ3_XXS",
        "IQ3_S",
        "IQ3_M",
        "IQ4_NL",
        "IQ4_XS",
    ]
)
# What the first blocks get in some files: always, or with or without an importance matrix.
EARLY_DOWN: Mapping[str, str] = {"Q2_K_S": "Q4_K", "IQ3_M": "Q4_K", "Q4_K_S": "Q5_K"}
EARLY_DOWN_BY_IMPORTANCE: Mapping[bool, Mapping[str, str]] = {
    True: {"Q4_0": "Q4_1", "Q5_0": "Q5_1"},
    False: {"IQ4_NL": "Q5_K", "IQ4_XS": "Q5_K"},
}


def file_type_named(text: str) -> str:
    """The key of FILE_TYPES that a user means by `text`; empty when there is none."""
    name = _SHORT.get(text.upper(), text.upper())
    return name if name in FILE_TYPES else ""


def fitting(kind: str, num_columns: int) -> str:
    """`kind`, or one that rows of this length can have."""
    for candidate in (kind, _NARROW.get(kind, "F16")):
        if num_columns % TENSOR_TYPES[NUMBERS[candidate]].block_size == 0:
            return candidate
    return "F16"
