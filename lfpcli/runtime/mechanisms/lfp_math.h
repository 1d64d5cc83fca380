// Elementary functions without branches and without calls, for the loops that NMODL generates.
//
// Force-included before everything else (g++ -include lfp_math.h). Every function is made of
// IEEE-754 operations that round once (+ - * / fma, comparisons, integer operations), so that a
// loop over segments can be vectorised and its result has the same bits in a vector of any width,
// in the scalar remainder, and on any processor with a fused multiply-add - as long as the
// compiler does not contract or reorder anything by itself: -ffp-contract=off and never
// -ffast-math, -Ofast, -fassociative-math, -freciprocal-math, -ffinite-math-only.
//
// The functions are found because code of CoreNEURON's mechanisms lives in namespace coreneuron
// and calls exp(x) unqualified; nocmodl's code (NEURON's own engine) gains nothing from them.
#ifndef LFP_MATH_H
#define LFP_MATH_H
// Without fused multiply-adds it would be slow, and with -ffast-math wrong: then code stays as it is.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define LFP_MATH_FMA 1
#endif
#if defined(__cplusplus) && defined(LFP_MATH_FMA) && !defined(__FAST_MATH__)
#include <cmath>
#include <cstdint>
#include <cstring>

#define LFP_MATH_FN static inline __attribute__((always_inline, unused))

namespace lfp_math {

LFP_MATH_FN std::int64_t bits(double x) { std::int64_t i; std::memcpy(&i, &x, 8); return i; }
LFP_MATH_FN double real(std::int64_t i) { double x; std::memcpy(&x, &i, 8); return x; }
LFP_MATH_FN double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

constexpr double shift = 0x1.8p52;  // adding it rounds to an integer, which the low bits then hold
constexpr double log2e = 0x1.71547652b82fep0, ln2_hi = 0x1.62e42fefa39efp-1, ln2_lo = 0x1.abc9e3b39803fp-56;

// exp(r) - 1 - r for |r| <= ln(2)/2, divided by r*r
LFP_MATH_FN double exp_tail(double r) {
    const double r2 = r * r;
    const double p0 = fma(0x1.55555555554fep-3, r, 0x1.000000000000ap-1);
    const double p1 = fma(0x1.1111111126b3p-7, r, 0x1.55555555506bap-5);
    const double p2 = fma(0x1.a01a012ff2942p-13, r, 0x1.6c16c18477aefp-10);
    const double p3 = fma(0x1.71df18e254781p-19, r, 0x1.a019995cdc802p-16);
    const double p4 = fma(0x1.ad9303ff16be2p-26, r, 0x1.28adfefa69a53p-22);
    double p = fma(p4, r2, p3);
    p = fma(p, r2, p2);
    p = fma(p, r2, p1);
    return fma(p, r2, p0);
}

// exp(x + low), |low| small against an ulp of x or so; all of the range: subnormal results, 0, inf, nan
LFP_MATH_FN double exp2sum(double x, double low) {
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    const double k = fma(x, log2e, shift) - shift;
    double r = fma(-k, ln2_hi, x);
    r = fma(-k, ln2_lo, r) + low;
    const double p = 1.0 + fma(r * r, exp_tail(r), r);
    // 2^k as a product of two, so that neither over- nor underflows before it must
    const double half = fma(k, 0.5, shift);
    const double rest = (k - (half - shift)) + shift;
    return p * real((bits(half) + 1023) << 52) * real((bits(rest) + 1023) << 52);
}

LFP_MATH_FN double exp(double x) {
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    const double k = fma(x, log2e, shift) - shift;
    double r = fma(-k, ln2_hi, x);
    r = fma(-k, ln2_lo, r);
    const double p = 1.0 + fma(r * r, exp_tail(r), r);
    const double half = fma(k, 0.5, shift);
    const double rest = (k - (half - shift)) + shift;
    return p * real((bits(half) + 1023) << 52) * real((bits(rest) + 1023) << 52);
}

LFP_MATH_FN double expm1(double x) {
    const double y = x > 710.0 ? 710.0 : (x < -40.0 ? -40.0 : x);
    const double k = fma(y, log2e, shift) - shift;
    double r = fma(-k, ln2_hi, y);
    r = fma(-k, ln2_lo, r);
    const double t = fma(r * r, exp_tail(r), r);
    const double half = fma(k, 0.5, shift);
    const double rest = (k - (half - shift)) + shift;
    const double s = real((bits(half) + 1023) << 52), u = real((bits(rest) + 1023) << 52);
    const double whole = fma(s * u, t, s * u - 1.0);
    const double big = (t + 1.0) * s * u;
    const double v = k > 1000.0 ? big : whole;
    return x == 0.0 ? x : v;
}

LFP_MATH_FN double tanh(double x) {
    const double a = __builtin_fabs(x);
    const double e = expm1(2.0 * (a > 22.0 ? 22.0 : a));
    const double t = e / (e + 2.0);
    return __builtin_copysign(t, x);
}

// x = 2^e m with m in [sqrt(1/2), sqrt(2)); x positive and finite
LFP_MATH_FN void split(double x, double& e, double& m) {
    const bool tiny = x < 0x1p-1022;
    const double y = tiny ? x * 0x1p54 : x;
    const std::int64_t i = bits(y) - bits(0x1.6a09e667f3bcdp-1);
    // i >> 52 without a 64-bit arithmetic shift, which AVX2 has not: biased to be positive
    const std::int64_t n = (std::int64_t)((std::uint64_t)(i + ((std::int64_t)1024 << 52)) >> 52);
    const std::int64_t k = n - 1024;
    m = real(bits(y) - (k << 52));
    e = real(bits(shift) + k) - shift - (tiny ? 54.0 : 0.0);
}

LFP_MATH_FN double log_special(double x, double v) {
    v = x == __builtin_inf() ? x : v;
    v = x == 0.0 ? -__builtin_inf() : v;
    return x >= 0.0 ? v : __builtin_nan("");
}

LFP_MATH_FN double log(double x) {
    double e, m;
    split(x, e, m);
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s, z2 = z * z;
    const double q0 = fma(0x1.9999999999d59p-2, z, 0x1.5555555555555p-1);
    const double q1 = fma(0x1.c71c725c5f78cp-3, z, 0x1.249249242ee18p-2);
    const double q2 = fma(0x1.3b215947e807cp-3, z, 0x1.745cdb74d17c8p-3);
    const double q3 = fma(0x1.1023d3247aa54p-3, z, 0x1.0f4a12e9b759dp-3);
    const double R = z * fma(fma(fma(q3, z2, q2), z2, q1), z2, q0);
    const double h = 0.5 * f * f;
    // log(1 + f) = f - (h - s (h + R)); e ln2 is added from its low part on
    const double ehi = e * 0x1.62e42ff000000p-1, elo = e * -0x1.718432a1b0e26p-35;
    return log_special(x, ehi - ((h - fma(s, h + R, elo)) - f));
}

LFP_MATH_FN double log10(double x) { return log(x) * 0x1.bcb7b1526e50ep-2; }

// log(x) as a sum of two, to about 2^-66
LFP_MATH_FN void log2sum(double x, double& hi, double& lo) {
    double e, m;
    split(x, e, m);
    const double f = m - 1.0;                       // exact
    const double d = 2.0 + f, dl = f - (d - 2.0);   // f + 2, exactly
    const double s = f / d;
    const double sl = fma(-s, dl, fma(-s, d, f)) / d;
    const double z = s * s, zl = fma(2.0 * s, sl, fma(s, s, -z));
    double q = fma(0x1.0ad84405668adp-3, z, 0x1.5df1d96b0277ap-5);
    q = fma(q, z, 0x1.e600954e1446ap-5);
    q = fma(q, z, 0x1.1102c55148b2cp-4);
    q = fma(q, z, 0x1.3b13e9e4f7bcfp-4);
    q = fma(q, z, 0x1.745d16c63dc9p-4);
    q = fma(q, z, 0x1.c71c71c7b4de1p-4);
    q = fma(q, z, 0x1.2492492492204p-3);
    q = fma(q, z, 0x1.999999999999ap-3);
    const double t = q * z;
    const double u = 0x1.5555555555555p-2 + t;      // 1/3 + t, in two
    const double ul = (t - (u - 0x1.5555555555555p-2)) + 0x1.5555555555555p-56;
    const double w = z * u, wl = fma(z, ul, fma(zl, u, fma(z, u, -w)));
    const double v = s * w, vl = fma(s, wl, fma(sl, w, fma(s, w, -v)));
    const double a = s + v, al = (v - (a - s)) + (sl + vl);   // atanh(s)
    const double b = e * ln2_hi, bl = fma(e, ln2_hi, -b) + e * ln2_lo;
    const double c = 2.0 * a;
    const double big = b + c;
    // |b| >= |c| or b is 0: the smaller one's rest
    const double rest = e == 0.0 ? 0.0 : c - (big - b);
    hi = big;
    lo = rest + (bl + 2.0 * al);
}

LFP_MATH_FN double pow_general(double x, double y) {
    const double ax = __builtin_fabs(x);
    double h, l;
    log2sum(ax, h, l);
    h = ax == 0.0 ? -__builtin_inf() : h;
    h = ax == __builtin_inf() ? ax : h;
    l = ax == 0.0 || ax == __builtin_inf() ? 0.0 : l;
    const double p = y * h;
    double pl = fma(y, l, fma(y, h, -p));
    pl = __builtin_fabs(p) > 800.0 ? 0.0 : pl;
    double r = exp2sum(p, pl);
    const double ay = __builtin_fabs(y), half = 0.5 * ay;
    const bool whole = ay >= 0x1p52 || (ay + 0x1p52) - 0x1p52 == ay;
    const bool odd = ay < 0x1p53 && whole && (half >= 0x1p52 ? half : (half + 0x1p52) - 0x1p52) != half;
    r = odd ? __builtin_copysign(r, x) : r;
    r = x < 0.0 && !whole && ax != __builtin_inf() ? __builtin_nan("") : r;
    r = x != x || y != y ? x + y : r;
    r = x == 0.0 && y == 0.0 ? 1.0 : r;
    return y == 0.0 || x == 1.0 ? 1.0 : (x == -1.0 && ay == __builtin_inf() ? 1.0 : r);
}

// n is a constant; without a loop, which would hinder the vectoriser
LFP_MATH_FN double pow_small(double x, int n) {
    const int m = n < 0 ? -n : n;
    const double x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
    double r = m & 1 ? x : 1.0;
    r = m & 2 ? (m & 1 ? r * x2 : x2) : r;
    r = m & 4 ? (m & 3 ? r * x4 : x4) : r;
    r = m & 8 ? (m & 7 ? r * x8 : x8) : r;
    return n < 0 ? 1.0 / r : r;
}

LFP_MATH_FN double pow(double x, double y) {
    if (__builtin_constant_p(y)) {
        if (__builtin_constant_p(x)) return __builtin_pow(x, y);
        if (y == 0.5) return __builtin_sqrt(x);
        if (y >= -15.0 && y <= 15.0 && (double)(int)y == y) return pow_small(x, (int)y);
    }
    return pow_general(x, y);
}

}  // namespace lfp_math

namespace coreneuron {
using lfp_math::exp;
using lfp_math::expm1;
using lfp_math::log;
using lfp_math::log10;
using lfp_math::pow;
using lfp_math::tanh;
}  // namespace coreneuron
#endif
#endif
