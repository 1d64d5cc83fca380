/* One inner loop, compiled for each vector width of x86-64, chosen when it runs.
 *
 * LFP_KERNEL(name, (parameters), (arguments)) makes `name` from the always-inlined `name_body`. Elsewhere than
 * on x86-64 with GCC or clang there is one version, for the architecture's baseline. The build switches off the
 * contraction to fused multiply-adds, so all versions give the same bits.
 */
#ifndef LFP_LANES_H
#define LFP_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LFP_INLINE static inline __attribute__((always_inline))
#else
#define LFP_INLINE static inline
#endif

#if defined(__clang__)
#define LFP_VECTOR _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LFP_VECTOR _Pragma("GCC ivdep")
#else
#define LFP_VECTOR
#endif

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define LFP_X86 1
#define LFP_AVX2 __attribute__((target("avx2")))
#if defined(__clang__)
#define LFP_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#else
#define LFP_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,prefer-vector-width=512")))
#endif
#endif

enum { LFP_BASELINE = 0, LFP_LEVEL_AVX2 = 1, LFP_LEVEL_AVX512 = 2 };

static int lfp_level = LFP_BASELINE;

/* The highest level that this processor and this build have. */
static int lfp_supported(void)
{
#ifdef LFP_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return LFP_LEVEL_AVX512;
    if (__builtin_cpu_supports("avx2"))
        return LFP_LEVEL_AVX2;
#endif
    return LFP_BASELINE;
}

/* Use at most `wanted`; returns the level in use from now on. */
static int lfp_use_level(int wanted)
{
    int most = lfp_supported();
    lfp_level = wanted < most ? wanted : most;
    return lfp_level;
}

/* Threads that OpenMP would start (OMP_NUM_THREADS, or the cores given to the process); 1 without it. */
static int lfp_max_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

#ifdef LFP_X86
#define LFP_KERNEL(name, parameters, arguments)                                                                       \
    LFP_AVX512 static void name##_avx512 parameters { name##_body arguments; }                                        \
    LFP_AVX2 static void name##_avx2 parameters { name##_body arguments; }                                            \
    static void name parameters                                                                                       \
    {                                                                                                                 \
        if (lfp_level == LFP_LEVEL_AVX512)                                                                            \
            name##_avx512 arguments;                                                                                  \
        else if (lfp_level == LFP_LEVEL_AVX2)                                                                         \
            name##_avx2 arguments;                                                                                    \
        else                                                                                                          \
            name##_body arguments;                                                                                    \
    }
#else
#define LFP_KERNEL(name, parameters, arguments)                                                                       \
    static void name parameters { name##_body arguments; }
#endif

LFP_INLINE uint64_t lfp_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

LFP_INLINE double lfp_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* log((1 + s) / (1 - s)) = 2 artanh(s) = 2 s + lfp_log_tail(s) for |s| <= 0.2007.
 *
 * The polynomial is the Chebyshev fit of (2 artanh(s) / s - 2) / s^2 in s^2 on that interval, off by less than
 * 2e-18 of the logarithm.
 */
LFP_INLINE double lfp_log_tail(double s)
{
    double z = s * s, z2 = z * z, z4 = z2 * z2;
    double low = (0.6666666666666666 + z * 0.40000000000008185) + z2 * (0.28571428567165486 + z * 0.22222223066701136);
    double high = (0.18181736189534645 + z * 0.1538892506667566) + z2 * (0.13208584654641073 + z * 0.13617639424378322);
    return s * z * (low + z4 * high);
}

/* log(1 + num / den) for num >= 0 and den > 0, without the division and without loss where num << den.
 *
 * With g = 2^-k near den / (den + num), the logarithm is k ln 2 + log(1 + f), 1 + f = g (1 + num / den), and
 * log(1 + f) = 2 artanh(s), s = f / (2 + f), which needs one division in all.
 */
LFP_INLINE double lfp_log_ratio(double num, double den)
{
    uint64_t k = (lfp_bits(den + num) - lfp_bits(den) + (UINT64_C(1) << 51)) >> 52;
    double g = lfp_from_bits((UINT64_C(1023) - k) << 52);
    double power = lfp_from_bits(k | UINT64_C(0x4330000000000000)) - 4503599627370496.0;
    double a = g * num;
    double s = (a - (1.0 - g) * den) / (a + (1.0 + g) * den);
    return power * 0.6931471803691238 + (2.0 * s + (lfp_log_tail(s) + power * 1.9082149292705877e-10));
}

/* The same bits where num <= 0.3 den: then k above is 0. */
LFP_INLINE double lfp_log_near_one(double num, double den)
{
    double s = num / (num + 2.0 * den);
    return 2.0 * s + lfp_log_tail(s);
}

#endif
