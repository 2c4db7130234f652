// What capacitances depend on besides shapes. Tables are [layers * layers], the substrate is layer 0, the top metal the last.
#pragma once

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

struct Technology {
    int32_t layers;
    double um;                      // of one unit of length
    int32_t halo;                   // how far conductors see each other sideways
    double halo_um;
    double least_fringe_fF;         // fringes that are not more are left out, one by one
    const double* plate;            // [top, bottom] aF/um2 of area; negative: a device's model has it
    const double* fringe;           // [layer of the edge, other layer] aF/um of length; negative: a device's model has it
    const double* shielding;        // [layer of the edge, other layer] 1/um: how near to the edge its fringe ends
    const double* sidewall;         // [layer] aF um / um between two edges; negative: edges of the layer have no capacitances of their own
    const double* sidewall_offset;  // [layer] um

    bool has_edges(int layer) const { return sidewall[layer] >= 0; }

    // The part of an edge's fringe that ends nearer than a distance.
    double nearer(int own, int other, int32_t distance) const {
        const double a = shielding[own * layers + other];
        return std::atan(a * distance * um) / std::atan(a * halo_um);
    }
};

// Nets whose plates are the two of one device capacitor: its model has what is between them.
class Pairs {
public:
    Pairs(const int32_t* nets, int64_t count) {
        for (int64_t i = 0; i < count; ++i) pairs_.insert(std::minmax(nets[2 * i], nets[2 * i + 1]));
    }
    bool has(int32_t a, int32_t b) const { return !pairs_.empty() && pairs_.count(std::minmax(a, b)); }

private:
    std::set<std::pair<int32_t, int32_t>> pairs_;
};
