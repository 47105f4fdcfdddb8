// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The twin steps ES_LANES samples side by side: every quantity of a sample is an array over lanes, and loops over lanes are
// left to the compiler's vectoriser. Lanes never mix, so the width of the machine's vectors does not change a bit.
#ifndef ES_ENGINE_LANES_H
#define ES_ENGINE_LANES_H

enum { ES_LANES = 16 };

struct es_lanes {
    _Alignas(64) double at[ES_LANES];
};

// Compiles a hot function for several vector widths, chosen when the program starts. Contraction is off in all of them.
// (clang 14 cannot link such functions across files; sanitizers run before the choice is made.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define ES_VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ES_VECTORISED
#endif

#endif
