// Copies membrane currents and potentials out of CoreNEURON after each step.
//
// CoreNEURON calls nrncore2nrn_send_values at the end of every step. This library defines the same
// function; loaded before CoreNEURON, with its symbols in the global scope, it is the one that the
// dynamic linker binds the calls to. It calls CoreNEURON's own function first, which fills the
// vectors that NEURON records.

#include <chrono>

#include "coreneuron/sim/multicore.hpp"

extern "C" {

struct LfpTap {
    // CoreNEURON's own nrncore2nrn_send_values, and its wish to stop
    void (*send)(coreneuron::NrnThread*);
    bool* stop;
    // nodes of the columns: membrane currents first, potentials behind them
    const int* current_nodes;
    long currents;
    const int* potential_nodes;
    long potentials;
    // the samples, one row each; no rows, no work
    double* rows;
    long capacity;
    long filled;
    // called where all rows are filled (1), and now and then in between (0); a return value other
    // than 0 ends the run
    int (*call)(int);
    double seconds;
};

LfpTap lfp_tap = {};

}

namespace {

using Clock = std::chrono::steady_clock;
Clock::time_point called = Clock::now();

void sample(const coreneuron::NrnThread& thread) {
    double* row = lfp_tap.rows + lfp_tap.filled * (lfp_tap.currents + lfp_tap.potentials);
    if (lfp_tap.currents) {
        const double* currents = thread.nrn_fast_imem->nrn_sav_rhs;
        for (long k = 0; k < lfp_tap.currents; ++k) *row++ = currents[lfp_tap.current_nodes[k]];
    }
    const double* potentials = thread._actual_v;
    for (long k = 0; k < lfp_tap.potentials; ++k) *row++ = potentials[lfp_tap.potential_nodes[k]];
}

}  // namespace

namespace coreneuron {

void nrncore2nrn_send_values(NrnThread* thread) {
    lfp_tap.send(thread);
    // CoreNEURON has a second thread, without cells, where there is but one
    if (thread->id != 0 || !lfp_tap.rows) return;
    // rows that the last step has filled are left to whoever has started the run
    const bool full = lfp_tap.filled == lfp_tap.capacity;
    const std::chrono::duration<double> since = Clock::now() - called;
    if (full || since.count() > lfp_tap.seconds) {
        const int ends = lfp_tap.call(full);
        called = Clock::now();
        if (ends) {
            lfp_tap.rows = nullptr;
            *lfp_tap.stop = true;
            return;
        }
    }
    sample(*thread);
    ++lfp_tap.filled;
}

}  // namespace coreneuron
