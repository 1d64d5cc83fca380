/* One inner loop, compiled for each vector width of x86-64, chosen when it runs.
 *
 * LFP_KERNEL(name, (parameters), (arguments)) makes `name` from the always-inlined `name_body`. Elsewhere than
 * on x86-64 with GCC or clang there is one version, for the architecture's baseline. The build keeps the compiler from
 * fusing multiply-adds, so all versions give the same bits.
 *
 * LFP_FUSED_KERNEL(name, (parameters), arguments) is for bodies that fuse them themselves, with lfp_fma. Their
 * first argument tells whether the version can; the baseline of x86-64 cannot, all others give the same bits.
 */
#ifndef LFP_LANES_H
#define LFP_LANES_H

#include <math.h>
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
#define LFP_AVX2 __attribute__((target("avx2,fma")))
#if defined(__clang__)
#define LFP_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#else
#define LFP_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512")))
#endif
#endif

enum { LFP_BASELINE = 0, LFP_LEVEL_AVX2 = 1, LFP_LEVEL_AVX512 = 2 };

static int lfp_level = LFP_BASELINE;

/* The highest level that this processor and this build have. */
static int lfp_supported(void)
{
#ifdef LFP_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return LFP_BASELINE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return LFP_LEVEL_AVX512;
    return LFP_LEVEL_AVX2;
#else
    return LFP_BASELINE;
#endif
}

/* Use at most `wanted`; returns the level in use from now on. */
static int lfp_use_level(int wanted)
{
    int most = lfp_supported();
    lfp_level = wanted < most ? wanted : most;
    return lfp_level;
}

/* Threads that OpenMP would start (OMP_NUM_THREADS, or the cores given to the process); 1 without it. */
LFP_INLINE int lfp_max_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* Whether the baseline of the architecture has fused multiply-adds, as that of 64-bit ARM. */
#if defined(__FP_FAST_FMA) || defined(__aarch64__)
enum { LFP_FUSED = 1 };
#else
enum { LFP_FUSED = 0 };
#endif

#ifdef LFP_X86
#define LFP_VERSIONS(name, parameters, arguments, wide, narrow)                                                       \
    LFP_AVX512 static void name##_avx512 parameters { wide; }                                                         \
    LFP_AVX2 static void name##_avx2 parameters { wide; }                                                             \
    static void name parameters                                                                                       \
    {                                                                                                                 \
        if (lfp_level == LFP_LEVEL_AVX512)                                                                            \
            name##_avx512 arguments;                                                                                  \
        else if (lfp_level == LFP_LEVEL_AVX2)                                                                         \
            name##_avx2 arguments;                                                                                    \
        else                                                                                                          \
            narrow;                                                                                                   \
    }
#else
#define LFP_VERSIONS(name, parameters, arguments, wide, narrow)                                                       \
    static void name parameters { narrow; }
#endif
#define LFP_KERNEL(name, parameters, arguments)                                                                       \
    LFP_VERSIONS(name, parameters, arguments, name##_body arguments, name##_body arguments)
#define LFP_FUSED_KERNEL(name, parameters, ...)                                                                       \
    LFP_VERSIONS(name, parameters, (__VA_ARGS__), name##_body(1, __VA_ARGS__), name##_body(LFP_FUSED, __VA_ARGS__))

/* a b + c, in one rounding where that is one instruction; never the library's function, which is slow. */
LFP_INLINE double lfp_fma(int fused, double a, double b, double c)
{
    return fused ? fma(a, b, c) : a * b + c;
}

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

/* 1 / sqrt(2 x) over LFP_ROOT for 1e-300 < x < 1e300, to an ulp or two, without the slow root and quotient.
 *
 * Halving the exponent in the bits of x leaves y with x y^2 between 0.437 and 0.497 (Lomont 2003, Fast inverse
 * square root). Next comes the minimax polynomial of degree 5 for 1 / sqrt(2 t) there, 4.4e-10 off, over its leading
 * coefficient and in Knuth's form, which needs two products less (The Art of Computer Programming, 4.6.4); then
 * a step of Newton's, which leaves 3e-19 and the cube of that coefficient, LFP_ROOT.
 */
#define LFP_ROOT -1542.3400898266839
LFP_INLINE double lfp_inverse_root(int fused, double x)
{
    double y = lfp_from_bits(UINT64_C(0x5fde000000000000) - (lfp_bits(x) >> 1)), t = x * y * y;
    double w = lfp_fma(fused, t + -1.9261927871966693, t, 0.9208882590222899);
    double p = lfp_fma(fused, w + (t + -0.2036513540281103), w, 0.2075924729667784);
    y *= lfp_fma(fused, p, t, -0.2427256227398315);
    return y * lfp_fma(fused, -(x * y), y, 0.011236675197872664);
}

/* (artanh(u) / v - 1) / z^2 where 1 / z = 1 / v^2 = 1 / u^2 - 2/3, for u^2 <= 1/36; off by less than 2e-17 / z^2. */
LFP_INLINE double lfp_artanh_tail(int fused, double z)
{
    double p = lfp_fma(fused, z, 0.0010131776170061856, -0.0016826330549911193);
    p = lfp_fma(fused, z, p, 0.004629620895501752);
    p = lfp_fma(fused, z, p, -0.005291005260220371);
    return lfp_fma(fused, z, p, 0.033333333333315965);
}

/* log((1 + s) / (1 - s)) = 2 artanh(s) = 2 s + lfp_log_tail(s) for |s| <= 0.2007.
 *
 * The polynomial is the Chebyshev fit of (2 artanh(s) / s - 2) / s^2 in s^2 on that interval, off by less than
 * 2e-18 of the logarithm.
 */
LFP_INLINE double lfp_log_tail(int fused, double s)
{
    double z = s * s, z2 = z * z;
    double p = lfp_fma(fused, z, 0.13617639424378322, 0.13208584654641073);
    p = lfp_fma(fused, z2, p, lfp_fma(fused, z, 0.1538892506667566, 0.18181736189534645));
    p = lfp_fma(fused, z2, p, lfp_fma(fused, z, 0.22222223066701136, 0.28571428567165486));
    return s * z * lfp_fma(fused, z2, p, lfp_fma(fused, z, 0.40000000000008185, 0.6666666666666666));
}

/* log(1 + num / den) for num >= 0 and den > 0, without the division and without loss where num << den.
 *
 * With g = 2^-k near den / (den + num), the logarithm is k ln 2 + log(1 + f), 1 + f = g (1 + num / den), and
 * log(1 + f) = 2 artanh(s), s = f / (2 + f), which needs one division in all.
 */
LFP_INLINE double lfp_log_ratio(int fused, double num, double den)
{
    uint64_t k = (lfp_bits(den + num) - lfp_bits(den) + (UINT64_C(1) << 51)) >> 52;
    double g = lfp_from_bits((UINT64_C(1023) - k) << 52);
    double power = lfp_from_bits(k | UINT64_C(0x4330000000000000)) - 4503599627370496.0;
    double a = g * num;
    double s = (a - (1.0 - g) * den) / (a + (1.0 + g) * den);
    double tail = lfp_fma(fused, power, 1.9082149292705877e-10, lfp_log_tail(fused, s));
    return lfp_fma(fused, power, 0.6931471803691238, 2.0 * s + tail);
}

#endif
