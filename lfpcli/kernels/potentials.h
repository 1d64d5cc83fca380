/* Potentials of many segments at one point: the loops behind _potentials.pyx.
 *
 * A tile holds LFP_TILE segments: one row of LFP_TILE doubles per quantity, row after row, aligned to cache lines.
 */
#ifndef LFP_POTENTIALS_H
#define LFP_POTENTIALS_H

#include <math.h>

#include "lanes.h"

enum { LFP_TILE = 256 };

/* Rows of a tile of lines: start (3), unit vector along (3), length, radius squared, end (3), reach, scale. */
enum { LFP_UNIT = 3, LFP_LENGTH = 6, LFP_RADIUS2 = 7, LFP_END = 8, LFP_REACH = 11, LFP_LINE_ROWS = 13 };
enum { LFP_POINT_ROWS = 5 };

/* The parts num and den of log((r1 + r2 + L) / (r1 + r2 - L)) = log(1 + num / den) where the point is near.
 *
 * Where the point sees the segment under more than 90 degrees, the difference in the denominator would cancel: it
 * is 2 (rho L)^2 / ((r1 r2 - u v) (r1 + r2 + L)) instead, with u v the product of the vectors to the ends and rho the
 * distance to the axis. The distance to the segment is taken as its radius at least, by moving the point away
 * from the axis. Lanes that are not near keep the den that they have.
 */
LFP_INLINE void lfp_near_lines(const double *restrict tile, double px, double py, double pz, double *restrict num,
                               double *restrict den)
{
    const double *restrict ax = tile, *restrict ay = tile + LFP_TILE, *restrict az = tile + 2 * LFP_TILE;
    const double *restrict tx = tile + LFP_UNIT * LFP_TILE, *restrict ty = tx + LFP_TILE, *restrict tz = ty + LFP_TILE;
    const double *restrict length = tile + LFP_LENGTH * LFP_TILE, *restrict radius2 = tile + LFP_RADIUS2 * LFP_TILE;
    const double *restrict reach = tile + LFP_REACH * LFP_TILE;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double wx = px - ax[j], wy = py - ay[j], wz = pz - az[j], L = length[j];
        double h1 = wx * tx[j] + wy * ty[j] + wz * tz[j], h2 = h1 - L;
        double cx = wx - h1 * tx[j], cy = wy - h1 * ty[j], cz = wz - h1 * tz[j];
        double beyond = h2 > -h1 ? h2 : -h1;
        beyond = beyond > 0.0 ? beyond : 0.0;
        double rho2 = cx * cx + cy * cy + cz * cz, least = radius2[j] - beyond * beyond;
        rho2 = rho2 > least ? rho2 : least;
        double r1 = sqrt(h1 * h1 + rho2), r2 = sqrt(h2 * h2 + rho2), s = r1 + r2, uv = h1 * h2 + rho2;
        double near_num = uv < 0.0 ? (r1 * r2 - uv) * (s + L) : 2.0 * L;
        double near_den = uv < 0.0 ? rho2 * L : s - L;
        num[j] = den[j] < reach[j] ? near_num : 2.0 * L;
        den[j] = den[j] < reach[j] ? near_den : den[j];
    }
}

/* Add weight times log((r1 + r2 + L) / (r1 + r2 - L)), the potential of a uniform line times 4 pi sigma L.
 *
 * r1 and r2 are the distances to the two ends. Most tiles hold no segment whose r1 + r2 - L is within `reach`, what
 * a point can have that is nearer than the radius or sees the segment under more than 90 degrees; many hold none
 * whose logarithm needs its exponent. Each lane gives the same bits whichever way its tile takes. The loops are
 * apart because the chain of one segment is longer than what a processor keeps in flight.
 */
LFP_INLINE void lfp_line_body(const double *restrict tile, double px, double py, double pz, double weight,
                              double *restrict sum)
{
    const double *restrict ax = tile, *restrict ay = tile + LFP_TILE, *restrict az = tile + 2 * LFP_TILE;
    const double *restrict bx = tile + LFP_END * LFP_TILE, *restrict by = bx + LFP_TILE, *restrict bz = by + LFP_TILE;
    const double *restrict length = tile + LFP_LENGTH * LFP_TILE, *restrict reach = tile + LFP_REACH * LFP_TILE;
    double num[LFP_TILE], den[LFP_TILE];
    int64_t near = 0, medium = 0;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double ux = px - ax[j], uy = py - ay[j], uz = pz - az[j];
        double vx = px - bx[j], vy = py - by[j], vz = pz - bz[j];
        double r1 = sqrt(ux * ux + uy * uy + uz * uz), r2 = sqrt(vx * vx + vy * vy + vz * vz);
        den[j] = r1 + r2 - length[j];
        near += den[j] < reach[j];
        medium += 0.3 * den[j] < 2.0 * length[j];
    }
    if (near) {
        lfp_near_lines(tile, px, py, pz, num, den);
        LFP_VECTOR
        for (ptrdiff_t j = 0; j < LFP_TILE; j++)
            sum[j] += weight * lfp_log_ratio(num[j], den[j]);
    } else if (medium) {
        LFP_VECTOR
        for (ptrdiff_t j = 0; j < LFP_TILE; j++)
            sum[j] += weight * lfp_log_ratio(2.0 * length[j], den[j]);
    } else {
        LFP_VECTOR
        for (ptrdiff_t j = 0; j < LFP_TILE; j++)
            sum[j] += weight * lfp_log_near_one(2.0 * length[j], den[j]);
    }
}

/* Add weight / r, the potential of a point source times 4 pi sigma, with r at least the radius. */
LFP_INLINE void lfp_point_body(const double *restrict tile, double px, double py,
                               double pz, double weight, double *restrict sum)
{
    const double *restrict x = tile, *restrict y = tile + LFP_TILE, *restrict z = tile + 2 * LFP_TILE;
    const double *restrict radius2 = tile + 3 * LFP_TILE;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double dx = px - x[j], dy = py - y[j], dz = pz - z[j];
        double r2 = dx * dx + dy * dy + dz * dz;
        r2 = r2 > radius2[j] ? r2 : radius2[j];
        sum[j] += weight / sqrt(r2);
    }
}

/* Distance squared to each segment of a tile of lines. */
LFP_INLINE void lfp_distance2_body(const double *restrict tile, double px, double py,
                                   double pz, double *restrict distance2)
{
    const double *restrict ax = tile, *restrict ay = tile + LFP_TILE, *restrict az = tile + 2 * LFP_TILE;
    const double *restrict tx = tile + LFP_UNIT * LFP_TILE, *restrict ty = tx + LFP_TILE, *restrict tz = ty + LFP_TILE;
    const double *restrict length = tile + LFP_LENGTH * LFP_TILE;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double wx = px - ax[j], wy = py - ay[j], wz = pz - az[j];
        double h = wx * tx[j] + wy * ty[j] + wz * tz[j];
        h = h < length[j] ? h : length[j];
        h = h > 0.0 ? h : 0.0;
        double cx = wx - h * tx[j], cy = wy - h * ty[j], cz = wz - h * tz[j];
        distance2[j] = cx * cx + cy * cy + cz * cz;
    }
}

#define LFP_SUM_PARAMETERS                                                                                            \
    (const double *restrict tile, double px, double py, double pz, double weight,     \
     double *restrict sum)
LFP_KERNEL(lfp_line, LFP_SUM_PARAMETERS, (tile, px, py, pz, weight, sum))
LFP_KERNEL(lfp_point, LFP_SUM_PARAMETERS, (tile, px, py, pz, weight, sum))
LFP_KERNEL(lfp_distance2,
           (const double *restrict tile, double px, double py, double pz,
            double *restrict distance2),
           (tile, px, py, pz, distance2))

#endif
