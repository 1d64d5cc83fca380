// Copies membrane currents, potentials and variables of mechanisms out of CoreNEURON after each step.
//
// CoreNEURON calls nrncore2nrn_send_values at the end of every step. This library defines the same
// function; loaded before CoreNEURON, with its symbols in the global scope, it is the one that the
// dynamic linker binds the calls to. It calls CoreNEURON's own function first, which fills the
// vectors that NEURON records.
//
// CoreNEURON's threads come one behind the other, see threads.py: each makes all steps of an interval
// before the next one begins. Each fills its columns of as many rows, which are whole once the last
// thread has filled its own.

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
    // where the values of the columns are, see locations.py; the column that CoreNEURON has no place
    // for, or -1
    const int* threads;
    const int* mechanisms;
    const int* variables;
    const int* elements;
    const int* sizes;
    const int* nodes;
    const int* ordinals;
    long columns;
    int is_placed;
    long lost;
    // threads with cells, and the most steps that one of them makes before the next one
    int count;
    long interval;
    // the samples, one row each, and how many are whole; no rows, no work
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
// the thread that has made the last step
int last = 0;

// What a thread fills: its columns, where their values are, and the rows that it has filled.
struct Share {
    std::vector<int> columns;
    std::vector<const double*> addresses;
    long filled;
};
std::vector<Share> shares;

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

// Each run of CoreNEURON has its model in other memory. All threads lie side by side there.
bool place(const coreneuron::NrnThread* first) {
    shares.assign(lfp_tap.count, Share{{}, {}, lfp_tap.filled});
    std::vector<std::map<int, Instances>> known(lfp_tap.count);
    for (long k = 0; k < lfp_tap.columns; ++k) {
        const int thread = lfp_tap.threads[k];
        const double* value = thread < lfp_tap.count ? address(first[thread], known[thread], k) : nullptr;
        if (!value) {
            lfp_tap.lost = k;
            return false;
        }
        shares[thread].columns.push_back(k);
        shares[thread].addresses.push_back(value);
    }
    lfp_tap.is_placed = 1;
    return true;
}

void sample(Share& share) {
    double* row = lfp_tap.rows + share.filled * lfp_tap.columns;
    const long count = share.columns.size();
    const double* const* addresses = share.addresses.data();
    if (count == lfp_tap.columns) {
        for (long k = 0; k < count; ++k) row[k] = *addresses[k];
    } else {
        const int* columns = share.columns.data();
        for (long k = 0; k < count; ++k) row[columns[k]] = *addresses[k];
    }
    ++share.filled;
}

void end() {
    lfp_tap.rows = nullptr;
    *lfp_tap.stop = true;
}

// Calls where the next interval might not go into the rows, and now and then in between.
bool call(bool begins) {
    const bool full = begins && lfp_tap.filled + lfp_tap.interval > lfp_tap.capacity;
    const std::chrono::duration<double> since = Clock::now() - called;
    if (!full && since.count() <= lfp_tap.seconds) return true;
    const int ends = lfp_tap.call(full);
    called = Clock::now();
    if (full) {
        for (Share& share : shares) share.filled = lfp_tap.filled;
    }
    return !ends;
}

}  // namespace

namespace coreneuron {

void nrncore2nrn_send_values(NrnThread* thread) {
    lfp_tap.send(thread);
    // with a single thread each step is an interval; CoreNEURON has a second one without cells then
    const bool begins = thread->id == 0 && (lfp_tap.interval == 1 || last != 0);
    last = thread->id;
    if (thread->id >= lfp_tap.count || !lfp_tap.rows) return;
    if (!lfp_tap.is_placed && !place(thread - thread->id)) return end();
    // rows that the last step has filled are left to whoever has started the run
    if (!call(begins)) return end();
    Share& share = shares[thread->id];
    if (share.filled == lfp_tap.capacity) {
        // an interval is longer than it may be
        lfp_tap.lost = lfp_tap.columns;
        return end();
    }
    sample(share);
    if (thread->id == lfp_tap.count - 1) lfp_tap.filled = share.filled;
}

}  // namespace coreneuron
