// Errors of lfp_math.h against __float128 in ulp, specials, and bits of vector loops, their remainders and
// single calls. The test compiles it with -lquadmath and reads the table that it prints.
// ulp errors against __float128, specials, and equal bits of vector loop and single calls
#include "lfp_math.h"
#include <quadmath.h>
#include <cstdio>
#include <vector>
#include <random>
#include <cfloat>
using namespace std;
static double ulp(double got, __float128 want) {
    double w = (double)want;
    if (isnan(w) || isinf(w)) return (isnan(w) && isnan(got)) || got == w ? 0 : (isinf(w) && fabs(got)>=DBL_MAX*(1-1e-15) ? 0.99:1e9);
    if (isinf(got)||isnan(got)) return 1e9;
    int e; frexp(w, &e); double u = ldexp(1.0, max(e - 53, -1074));
    return (double)fabsq(((__float128)got - want) / u);
}
template <class F> __attribute__((noinline)) void loop(F f, const double* x, const double* z, double* y, int n) {
    #pragma omp simd
    for (int i = 0; i < n; i++) y[i] = f(x[i], z[i]);
}
template <class F> __attribute__((noinline)) double one(F f, double x, double z) { return f(x, z); }
static int bad = 0;
template <class F, class G, class L> void test(const char* name, F f, G g, L lib, double lo, double hi, double zlo, double zhi, bool logscale=false) {
    mt19937_64 r(1); uniform_real_distribution<double> u(0, 1);
    const int n = 30011; vector<double> x(n), z(n), y(n);
    for (int i = 0; i < n; i++) { double a = u(r); x[i] = logscale ? exp2(lo + (hi - lo) * a) : lo + (hi - lo) * a; z[i] = zlo + (zhi - zlo) * u(r); }
    loop(f, x.data(), z.data(), y.data(), n);
    double worst = 0, at = 0, wl = 0; long diff = 0, notcr = 0;
    for (int i = 0; i < n; i++) {
        __float128 w = g(x[i], z[i]);
        double e = ulp(y[i], w), el = ulp(lib(x[i], z[i]), w); if (e > worst) worst = e, at = x[i]; wl = max(wl, el);
        notcr += y[i] != (double)w;
        double s = one(f, x[i], z[i]); diff += memcmp(&s, &y[i], 8) != 0 && !(isnan(s)&&isnan(y[i]));
    }
    for (int m = 1; m < 40; m++) { vector<double> t(m); for (int off = 0; off < 200; off++) { loop(f, &x[off], &z[off], t.data(), m); diff += memcmp(t.data(), &y[off], 8*m) != 0; } }
    bad += diff != 0;
    printf("%-28s [%g, %g]: max %.3f ulp at %.17g (libm %.3f), not correctly rounded %.1f%%, vector/scalar/remainder differ: %ld\n", name, lo, hi, worst, at, wl, 100.0*notcr/n, diff);
}
int main() {
    auto E = [](double x, double) { return lfp_math::exp(x); }; auto EQ = [](double x, double) { return expq(x); }; auto EL = [](double x, double){ return std::exp(x); };
    test("exp", E, EQ, EL, -1, 1, 0, 1); test("exp", E, EQ, EL, -20, 20, 0, 1); test("exp", E, EQ, EL, -708, 709.78, 0, 1); test("exp", E, EQ, EL, -750, -700, 0, 1); test("exp 2^a", E, EQ, EL, -60, 9, 0, 1, true);
    auto L = [](double x, double) { return lfp_math::log(x); }; auto LQ = [](double x, double) { return logq(x); }; auto LL = [](double x, double){ return std::log(x); };
    test("log", L, LQ, LL, 0.5, 2, 0, 1); test("log 2^a", L, LQ, LL, -1074, 1023.9, 0, 1, true); test("log", L, LQ, LL, 0.999, 1.001, 0, 1);
    auto P = [](double x, double y) { return lfp_math::pow(x, y); }; auto PQ = [](double x, double y) { return powq(x, y); }; auto PL = [](double x, double y){ return std::pow(x, y); };
    test("pow Q10", P, PQ, PL, 1, 5, -3, 3); test("pow", P, PQ, PL, 0, 100, -20, 20); test("pow 2^a", P, PQ, PL, -30, 30, -30, 30, true); test("pow 1+", P, PQ, PL, 0.99, 1.01, -10000, 10000);
    auto P3 = [](double x, double) { return lfp_math::pow(x, 3.0); }; auto P3Q = [](double x, double) { return powq(x, 3); }; auto P3L = [](double x, double){ return std::pow(x, 3.0); };
    test("pow(x,3)", P3, P3Q, P3L, -2, 2, 0, 1);
    auto P4 = [](double x, double) { return lfp_math::pow(x, 4.0); }; auto P4Q = [](double x, double) { return powq(x, 4); }; auto P4L = [](double x, double){ return std::pow(x, 4.0); };
    test("pow(x,4)", P4, P4Q, P4L, -2, 2, 0, 1);
    auto T = [](double x, double) { return lfp_math::tanh(x); }; auto TQ = [](double x, double) { return tanhq(x); }; auto TL = [](double x, double){ return std::tanh(x); };
    test("tanh", T, TQ, TL, -3, 3, 0, 1); test("tanh", T, TQ, TL, -30, 30, 0, 1); test("tanh 2^a", T, TQ, TL, -60, 5, 0, 1, true);
    auto M = [](double x, double) { return lfp_math::expm1(x); }; auto MQ = [](double x, double) { return expm1q(x); }; auto ML = [](double x, double){ return std::expm1(x); };
    test("expm1", M, MQ, ML, -1, 1, 0, 1); test("expm1", M, MQ, ML, -60, 709, 0, 1);
    double inf = INFINITY, nan = NAN, sp[] = {0., -0., 1, -1, inf, -inf, nan, 709.782712893384, 709.7827128933841, 710, 1e300, -745.13321910194110842, -745.2, -746, -1e300, -708.4, DBL_MIN, 5e-324, DBL_MAX, 2, -2, 0.5, -0.5, 3, -3, 1e-300, 4503599627370497., 9007199254740993., 1e19, 2.5, -2.5, 1-1e-16, 1+3e-16};
    int wrong = 0; auto same = [](double a, double b) { return (std::isnan(a) && std::isnan(b)) || a == b && std::signbit(a) == std::signbit(b) || fabs(a - b) <= 3e-16 * fabs(b) || fabs(a-b)<1.5*5e-324; };
    for (double x : sp) {
        volatile double vx = x; double q = vx;
        if (!same(lfp_math::exp(q), std::exp(q))) printf("exp(%g) = %g, libm %g\n", q, lfp_math::exp(q), std::exp(q)), wrong++;
        if (!same(lfp_math::log(q), std::log(q))) printf("log(%g) = %g, libm %g\n", q, lfp_math::log(q), std::log(q)), wrong++;
        if (!same(lfp_math::tanh(q), std::tanh(q))) printf("tanh(%g) = %g, libm %g\n", q, lfp_math::tanh(q), std::tanh(q)), wrong++;
        if (!same(lfp_math::expm1(q), std::expm1(q))) printf("expm1(%g) = %g, libm %g\n", q, lfp_math::expm1(q), std::expm1(q)), wrong++;
        for (double y : sp) { volatile double vy = y; double w = vy;
            if (!same(lfp_math::pow(q, w), std::pow(q, w))) printf("pow(%g, %g) = %g, libm %g\n", q, w, lfp_math::pow(q, w), std::pow(q, w)), wrong++; }
    }
    printf("specials wrong: %d; loops whose bits differ: %d\n", wrong, bad);
    return wrong || bad;
}
