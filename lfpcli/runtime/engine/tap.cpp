// Copies membrane currents, potentials and variables of mechanisms out of CoreNEURON after each step.
//
// CoreNEURON calls nrncore2nrn_send_values at the end of every step. This library defines the same
// function; loaded before CoreNEURON, with its symbols in the global scope, it is the one that the
// dynamic linker binds the calls to. It calls CoreNEURON's own function first, which fills the
// vectors that NEURON records.

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "coreneuron/sim/multicore.hpp"

extern "C" {

struct LfpTap {
    // CoreNEURON's own nrncore2nrn_send_values, and its wish to stop
    void (*send)(coreneuron::NrnThread*);
    bool* stop;
    // where the values of the columns are, see locations.py, and their addresses, which are looked up
    // where a run begins; the column that CoreNEURON has no place for, or -1
    const int* mechanisms;
    const int* variables;
    const int* elements;
    const int* sizes;
    const int* nodes;
    const int* ordinals;
    const double** addresses;
    long columns;
    int is_placed;
    long lost;
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

// Nodes of a mechanism's instances and the numbers of these, sorted by both.
using Instances = std::vector<std::pair<int, int>>;

Instances instances_of(const coreneuron::Memb_list& list) {
    Instances instances(list.nodecount);
    for (int k = 0; k < list.nodecount; ++k) instances[k] = {list.nodeindices[k], k};
    std::sort(instances.begin(), instances.end());
    return instances;
}

const double* address(const coreneuron::NrnThread& thread, std::map<int, Instances>& known, long column) {
    const int mechanism = lfp_tap.mechanisms[column], node = lfp_tap.nodes[column];
    if (mechanism == -1) return thread.nrn_fast_imem->nrn_sav_rhs + node;
    if (mechanism == -2) return thread._actual_v + node;
    const coreneuron::Memb_list* list = thread._ml_list[mechanism];
    if (!list || !list->nodeindices) return nullptr;
    auto place = known.find(mechanism);
    if (place == known.end()) place = known.emplace(mechanism, instances_of(*list)).first;
    const Instances& instances = place->second;
    const auto first = std::lower_bound(instances.begin(), instances.end(), std::make_pair(node, -1));
    const long k = first - instances.begin() + lfp_tap.ordinals[column];
    if (k >= static_cast<long>(instances.size()) || instances[k].first != node) return nullptr;
    // the elements of an array lie side by side, those of all instances one after the other
    const long variable = lfp_tap.variables[column], size = lfp_tap.sizes[column];
    return list->data + variable * list->_nodecount_padded + size * instances[k].second + lfp_tap.elements[column];
}

// Each run of CoreNEURON has its model in other memory.
bool place(const coreneuron::NrnThread& thread) {
    std::map<int, Instances> known;
    for (long k = 0; k < lfp_tap.columns; ++k) {
        lfp_tap.addresses[k] = address(thread, known, k);
        if (!lfp_tap.addresses[k]) {
            lfp_tap.lost = k;
            return false;
        }
    }
    lfp_tap.is_placed = 1;
    return true;
}

void sample() {
    double* row = lfp_tap.rows + lfp_tap.filled * lfp_tap.columns;
    for (long k = 0; k < lfp_tap.columns; ++k) row[k] = *lfp_tap.addresses[k];
}

void end() {
    lfp_tap.rows = nullptr;
    *lfp_tap.stop = true;
}

}  // namespace

namespace coreneuron {

void nrncore2nrn_send_values(NrnThread* thread) {
    lfp_tap.send(thread);
    // CoreNEURON has a second thread, without cells, where there is but one
    if (thread->id != 0 || !lfp_tap.rows) return;
    if (!lfp_tap.is_placed && !place(*thread)) return end();
    // rows that the last step has filled are left to whoever has started the run
    const bool full = lfp_tap.filled == lfp_tap.capacity;
    const std::chrono::duration<double> since = Clock::now() - called;
    if (full || since.count() > lfp_tap.seconds) {
        const int ends = lfp_tap.call(full);
        called = Clock::now();
        if (ends) return end();
    }
    sample();
    ++lfp_tap.filled;
}

}  // namespace coreneuron
