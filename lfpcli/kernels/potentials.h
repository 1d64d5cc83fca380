/* Potentials of many segments at one point: the loops behind _potentials.pyx.
 *
 * A tile holds LFP_TILE segments: one row of LFP_TILE doubles per quantity, row after row, aligned to cache lines.
 */
#ifndef LFP_POTENTIALS_H
#define LFP_POTENTIALS_H

#include <math.h>

#include "lanes.h"

enum { LFP_TILE = 256, LFP_GROUP = 16, LFP_AHEAD = 32 };

/* Rows of a tile of lines: what every pair needs, then what the near ones do. */
enum {
    LFP_MIDDLE = 0, /* (3) */
    LFP_ALONG = 3,  /* (3) from start to end */
    LFP_QUARTER = 6, /* L^2 / 4 */
    LFP_TWELFTH = 7, /* L^2 / 12 */
    LFP_SQUARE = 8,  /* (L LFP_ROOT)^2 */
    LFP_FAR = 9,     /* mean square of the distances to the ends, of points that see the segment from far */
    LFP_START = 10, /* (3) */
    LFP_LENGTH = 13,
    LFP_INVERSE = 14, /* 1 / L */
    LFP_RADIUS2 = 15,
    LFP_LINE_ROWS = 16
};

/* Rows of a tile of points. */
enum { LFP_POINT_RADIUS2 = 3, LFP_POINT_ROWS = 4 };

/* Coordinates farther out are taken there: the fourth power of a distance has to stay finite. */
#define LFP_OUTMOST 1e74

LFP_INLINE double lfp_inside(double x)
{
    return x > LFP_OUTMOST ? LFP_OUTMOST : x < -LFP_OUTMOST ? -LFP_OUTMOST : x;
}

/* Copy segments of (count, 3) and (count) into rows of a tile, and the last again, so that all lanes are finite.
 *
 * Coordinates are stretched by a factor for each axis.
 */
LFP_INLINE void lfp_copy_segments(const double *start, const double *end, const double *radius, ptrdiff_t count,
                                  const double *stretch, double *restrict starts, double *restrict ends,
                                  double *restrict radii)
{
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        ptrdiff_t i = j < count ? j : count - 1;
        for (int k = 0; k < 3; k++) {
            starts[k * LFP_TILE + j] = start[3 * i + k] * stretch[k];
            ends[k * LFP_TILE + j] = end[3 * i + k] * stretch[k];
        }
        radii[j] = radius[i];
    }
}

/* A tile of lines. Those shorter than 1e-9 radii become lines of 1e-12 radii along z, whose potential is that of a
 * point to the last bit or two.
 *
 * A point is far if it is farther than 3 lengths from the middle, and than the radius from all of the segment.
 */
LFP_INLINE void lfp_line_tile_body(const double *start, const double *end, const double *radius,
                                   ptrdiff_t count, const double *stretch, double *restrict tile)
{
    double *restrict x = tile + LFP_START * LFP_TILE, *restrict y = x + LFP_TILE, *restrict z = y + LFP_TILE;
    double *restrict vx = tile + LFP_ALONG * LFP_TILE, *restrict vy = vx + LFP_TILE, *restrict vz = vy + LFP_TILE;
    double *restrict m = tile + LFP_MIDDLE * LFP_TILE, *restrict radius2 = tile + LFP_RADIUS2 * LFP_TILE;
    lfp_copy_segments(start, end, radius, count, stretch, x, vx, radius2);
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double mx = 0.5 * (x[j] + vx[j]), my = 0.5 * (y[j] + vy[j]), mz = 0.5 * (z[j] + vz[j]);
        double ex = vx[j] - x[j], ey = vy[j] - y[j], ez = vz[j] - z[j], r = radius2[j];
        double length = sqrt(ex * ex + ey * ey + ez * ez);
        int point = length < 1e-9 * r;
        length = point ? 1e-12 * r : length;
        m[j] = lfp_inside(mx), m[j + LFP_TILE] = lfp_inside(my), m[j + 2 * LFP_TILE] = lfp_inside(mz);
        vx[j] = point ? 0.0 : ex, vy[j] = point ? 0.0 : ey, vz[j] = point ? length : ez;
        x[j] = point ? mx : x[j], y[j] = point ? my : y[j], z[j] = point ? mz - 0.5 * length : z[j];
        double half = 0.5 * length, quarter = half * half, far = 37.000001 * quarter;
        double beside = 1.000001 * (half + r) * (half + r) + quarter;
        far = far > beside ? far : beside;
        tile[LFP_QUARTER * LFP_TILE + j] = quarter;
        tile[LFP_TWELFTH * LFP_TILE + j] = quarter / 3.0;
        tile[LFP_SQUARE * LFP_TILE + j] = LFP_ROOT * LFP_ROOT * length * length;
        tile[LFP_FAR * LFP_TILE + j] = far > 1e-150 ? far : 1e-150;
        tile[LFP_LENGTH * LFP_TILE + j] = length;
        tile[LFP_INVERSE * LFP_TILE + j] = 1.0 / length;
        radius2[j] = r * r;
    }
}

/* A tile of points in the middle of segments. */
LFP_INLINE void lfp_point_tile_body(const double *start, const double *end, const double *radius,
                                    ptrdiff_t count, const double *stretch, double *restrict tile)
{
    double ends[3 * LFP_TILE], *restrict radius2 = tile + LFP_POINT_RADIUS2 * LFP_TILE;
    lfp_copy_segments(start, end, radius, count, stretch, tile, ends, radius2);
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < 3 * LFP_TILE; j++)
        tile[j] = lfp_inside(0.5 * (tile[j] + ends[j]));
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double r2 = radius2[j] * radius2[j];
        radius2[j] = r2 > 1e300 ? 1e300 : r2 > 1e-300 ? r2 : 1e-300;
    }
}

/* Half of (r1 + r2)^2 - 2/3 L^2; `gap` is negative where the segment is not far.
 *
 * With q the mean square of the distances r1 and r2 to the ends, their squares are q + h and q - h, and
 * (r1 + r2)^2 is 2 (q + r1 r2).
 */
LFP_INLINE double lfp_half_square(int fused, const double *restrict tile, ptrdiff_t j, double px, double py, double pz,
                                  double *gap)
{
    const double *restrict m = tile + LFP_MIDDLE * LFP_TILE + j, *restrict v = tile + LFP_ALONG * LFP_TILE + j;
    double dx = px - m[0], dy = py - m[LFP_TILE], dz = pz - m[2 * LFP_TILE];
    double d2 = lfp_fma(fused, dx, dx, lfp_fma(fused, dy, dy, dz * dz)), q = d2 + tile[LFP_QUARTER * LFP_TILE + j];
    double h = lfp_fma(fused, dx, v[0], lfp_fma(fused, dy, v[LFP_TILE], dz * v[2 * LFP_TILE]));
    *gap = q - tile[LFP_FAR * LFP_TILE + j];
    return (d2 - tile[LFP_TWELFTH * LFP_TILE + j]) + sqrt((q - h) * (q + h));
}

/* Potential of a segment that is far: log((r1 + r2 + L) / (r1 + r2 - L)) / L = 2 artanh(u) / L, u = L / (r1 + r2).
 *
 * The series of artanh begins u + u^3 / 3, as does that of v = L / sqrt((r1 + r2)^2 - 2/3 L^2), so that few terms are
 * left.
 */
LFP_INLINE double lfp_far_line(int fused, double half_square, double square, double weight)
{
    double y = lfp_inverse_root(fused, half_square), part = weight * y, z = square * (y * y);
    return lfp_fma(fused, part, z * z * lfp_artanh_tail(fused, z), part);
}

/* Potentials of a tile of segments, right where they are far; returns whether some are not.
 *
 * One segment's chain of operations is longer than what a processor keeps in flight. So the roots are taken
 * LFP_AHEAD segments before the rest, more than there are lanes.
 */
LFP_INLINE int lfp_far_lines(int fused, const double *restrict tile, double px, double py, double pz, double weight,
                             double *restrict part)
{
    const double *restrict square = tile + LFP_SQUARE * LFP_TILE;
    double half_square[LFP_TILE], gap;
    uint64_t near = 0;
    weight *= 2.0 * LFP_ROOT;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_AHEAD; j++) {
        half_square[j] = lfp_half_square(fused, tile, j, px, py, pz, &gap);
        near |= lfp_bits(gap);
    }
    /* compilers see how far ahead; that there is no dependence at all is not true here */
    for (ptrdiff_t j = 0; j < LFP_TILE - LFP_AHEAD; j++) {
        half_square[j + LFP_AHEAD] = lfp_half_square(fused, tile, j + LFP_AHEAD, px, py, pz, &gap);
        near |= lfp_bits(gap);
        part[j] = lfp_far_line(fused, half_square[j], square[j], weight);
    }
    LFP_VECTOR
    for (ptrdiff_t j = LFP_TILE - LFP_AHEAD; j < LFP_TILE; j++)
        part[j] = lfp_far_line(fused, half_square[j], square[j], weight);
    return near >> 63;
}

/* The parts num and den of log((r1 + r2 + L) / (r1 + r2 - L)) = log(1 + num / den) of one segment, near or far.
 *
 * The distance to the segment is taken as its radius at least, by moving the point away from the axis. Where the
 * point sees the segment under more than 90 degrees, the difference would cancel: it is
 * 2 (rho L)^2 / ((r1 r2 - u v) (r1 + r2 + L)) instead, with u v the product of the vectors to the ends and rho the
 * distance to the axis.
 */
LFP_INLINE void lfp_any_line(int fused, const double *restrict tile, ptrdiff_t j, double px, double py, double pz,
                             double *num, double *den)
{
    const double *restrict a = tile + LFP_START * LFP_TILE + j, *restrict v = tile + LFP_ALONG * LFP_TILE + j;
    double L = tile[LFP_LENGTH * LFP_TILE + j], inverse = tile[LFP_INVERSE * LFP_TILE + j];
    double wx = px - a[0], wy = py - a[LFP_TILE], wz = pz - a[2 * LFP_TILE];
    double tx = v[0] * inverse, ty = v[LFP_TILE] * inverse, tz = v[2 * LFP_TILE] * inverse;
    double h1 = lfp_fma(fused, wx, tx, lfp_fma(fused, wy, ty, wz * tz)), h2 = h1 - L;
    double cx = lfp_fma(fused, -h1, tx, wx), cy = lfp_fma(fused, -h1, ty, wy), cz = lfp_fma(fused, -h1, tz, wz);
    double beyond = h2 > -h1 ? h2 : -h1;
    beyond = beyond > 0.0 ? beyond : 0.0;
    double rho2 = lfp_fma(fused, cx, cx, lfp_fma(fused, cy, cy, cz * cz));
    double least = lfp_fma(fused, -beyond, beyond, tile[LFP_RADIUS2 * LFP_TILE + j]);
    rho2 = rho2 < least ? least : rho2;
    double r1 = sqrt(lfp_fma(fused, h1, h1, rho2)), r2 = sqrt(lfp_fma(fused, h2, h2, rho2));
    double s = r1 + r2, uv = lfp_fma(fused, h1, h2, rho2);
    *num = uv < 0.0 ? lfp_fma(fused, r1, r2, -uv) * (s + L) : 2.0 * L;
    *den = uv < 0.0 ? rho2 * L : s - L;
}

/* Put right the potentials of the segments that are not far, by whole groups that hold one.
 *
 * Again the chain of operations is cut in two, to be done for one group while another waits.
 */
LFP_INLINE void lfp_near_lines(int fused, const double *restrict tile, double px, double py, double pz, double weight,
                               double *restrict part)
{
    const double *restrict inverse = tile + LFP_INVERSE * LFP_TILE;
    double gap[LFP_TILE], num[LFP_TILE], den[LFP_TILE];
    ptrdiff_t groups[LFP_TILE / LFP_GROUP], count = 0;
    for (ptrdiff_t group = 0; group < LFP_TILE; group += LFP_GROUP) {
        uint64_t near = 0;
        LFP_VECTOR
        for (ptrdiff_t j = group; j < group + LFP_GROUP; j++) {
            lfp_half_square(fused, tile, j, px, py, pz, &gap[j]);
            near |= lfp_bits(gap[j]);
        }
        groups[count] = group;
        count += near >> 63;
    }
    for (ptrdiff_t g = 0; g < count; g++) {
        LFP_VECTOR
        for (ptrdiff_t j = groups[g]; j < groups[g] + LFP_GROUP; j++)
            lfp_any_line(fused, tile, j, px, py, pz, &num[j], &den[j]);
    }
    for (ptrdiff_t g = 0; g < count; g++) {
        LFP_VECTOR
        for (ptrdiff_t j = groups[g]; j < groups[g] + LFP_GROUP; j++) {
            double exact = weight * (inverse[j] * lfp_log_ratio(fused, num[j], den[j]));
            part[j] = gap[j] < 0.0 ? exact : part[j];
        }
    }
}

/* weight times the potentials of a tile of uniform lines, times 4 pi sigma. */
LFP_INLINE void lfp_line_body(int fused, const double *restrict tile, double px, double py, double pz, double weight,
                              double *restrict part)
{
    px = lfp_inside(px), py = lfp_inside(py), pz = lfp_inside(pz);
    if (lfp_far_lines(fused, tile, px, py, pz, weight, part))
        lfp_near_lines(fused, tile, px, py, pz, weight, part);
}

/* weight / r, the potentials of a tile of point sources times 4 pi sigma, with r at least the radius. */
LFP_INLINE void lfp_point_body(int fused, const double *restrict tile, double px, double py, double pz, double weight,
                               double *restrict part)
{
    const double *restrict x = tile, *restrict y = tile + LFP_TILE, *restrict z = tile + 2 * LFP_TILE;
    const double *restrict radius2 = tile + LFP_POINT_RADIUS2 * LFP_TILE;
    px = lfp_inside(px), py = lfp_inside(py), pz = lfp_inside(pz);
    weight *= 1.4142135623730951 * LFP_ROOT;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double dx = px - x[j], dy = py - y[j], dz = pz - z[j];
        double r2 = lfp_fma(fused, dx, dx, lfp_fma(fused, dy, dy, dz * dz));
        r2 = r2 < radius2[j] ? radius2[j] : r2;
        part[j] = weight * lfp_inverse_root(fused, r2);
    }
}

/* Add a tile of potentials to those of other points. */
LFP_INLINE void lfp_add_body(const double *restrict part, double *restrict total)
{
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++)
        total[j] += part[j];
}

/* Distance squared to each segment of a tile of lines. */
LFP_INLINE void lfp_distance2_body(const double *restrict tile, double px, double py, double pz,
                                   double *restrict distance2)
{
    const double *restrict ax = tile + LFP_START * LFP_TILE, *restrict ay = ax + LFP_TILE, *restrict az = ay + LFP_TILE;
    const double *restrict vx = tile + LFP_ALONG * LFP_TILE, *restrict vy = vx + LFP_TILE, *restrict vz = vy + LFP_TILE;
    const double *restrict inverse = tile + LFP_INVERSE * LFP_TILE;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double wx = px - ax[j], wy = py - ay[j], wz = pz - az[j];
        double h = (wx * vx[j] + wy * vy[j] + wz * vz[j]) * inverse[j] * inverse[j];
        h = h < 1.0 ? h : 1.0;
        h = h > 0.0 ? h : 0.0;
        double cx = wx - h * vx[j], cy = wy - h * vy[j], cz = wz - h * vz[j];
        distance2[j] = cx * cx + cy * cy + cz * cz;
    }
}

#define LFP_SEGMENTS                                                                                                  \
    (const double *start, const double *end, const double *radius, ptrdiff_t count, const double *stretch,            \
     double *restrict tile)
LFP_KERNEL(lfp_line_tile, LFP_SEGMENTS, (start, end, radius, count, stretch, tile))
LFP_KERNEL(lfp_point_tile, LFP_SEGMENTS, (start, end, radius, count, stretch, tile))

#define LFP_PAIRS                                                                                                     \
    (const double *restrict tile, double px, double py, double pz, double weight, double *restrict part)
LFP_FUSED_KERNEL(lfp_line, LFP_PAIRS, tile, px, py, pz, weight, part)
LFP_FUSED_KERNEL(lfp_point, LFP_PAIRS, tile, px, py, pz, weight, part)
LFP_KERNEL(lfp_add, (const double *restrict part, double *restrict total), (part, total))
LFP_KERNEL(lfp_distance2, (const double *restrict tile, double px, double py, double pz, double *restrict distance2),
           (tile, px, py, pz, distance2))

#endif
