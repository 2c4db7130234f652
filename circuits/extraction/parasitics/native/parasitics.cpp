// Capacitances between the nets (or the nodes of their resistors) of a layout of upright and level edges.

#include <cstring>
#include <exception>
#include <memory>
#include <tuple>

#include "edges.h"
#include "overlap.h"

namespace {

struct Found {
    std::vector<Coupling> couplings;
    Seen seen;
};

// Channels as rectangles, in a grid.
struct Channels {
    std::vector<Rect> rects;
    Grid grid;
    Channels(const int32_t* boxes, int64_t count, bool turn) : rects(read(boxes, count, turn)), grid(rects, CELL) {}
    static std::vector<Rect> read(const int32_t* b, int64_t count, bool turn) {
        std::vector<Rect> made;
        for (int64_t i = 0; i < count; ++i, b += 4) made.push_back(turn ? Rect{b[1], b[0], b[3], b[2], 0} : Rect{b[0], b[1], b[2], b[3], 0});
        return made;
    }
};

std::string problem;

}  // namespace

extern "C" {

// Null where it fails, then `parasitics_problem` says why. `sites` (and what belongs to them) as in nodes.h, `net_of_node` for every
// node, `channels` as [count, 4] x1 y1 x2 y2, `pairs` as [count, 2] nets.
void* parasitics_find(const Shapes* shapes, const Technology* technology, int64_t nets, const Site* sites, const int64_t* site_start, int64_t site_lists,
                      const int32_t* site_list,
                      const int32_t* net_of_node, double least_fF, const int32_t* channels, int64_t channel_count, const int32_t* pairs, int64_t pair_count) {
    try {
        auto found = std::make_unique<Found>(Found{{}, Seen(nets, technology->layers)});
        const Pairs device_pairs(pairs, pair_count);
        const Nodes nodes(sites, site_start, site_lists, site_list, technology->layers);
        Couplings couplings;
        const Scene scene{*shapes, *technology, device_pairs, nodes, couplings, found->seen};
        for (const bool turn : {false, true}) {
            const View view(*shapes, technology->layers, turn);
            const Channels here(channels, channel_count, turn);
            if (!turn) overlaps(scene, view);
            Edges(scene, view, here.grid, turn).run();
        }
        found->couplings = couplings.merged(net_of_node, least_fF);
        return found.release();
    } catch (const std::exception& error) {
        problem = error.what();
        return nullptr;
    }
}

const char* parasitics_problem() { return problem.c_str(); }

int64_t parasitics_count(const void* found) { return int64_t(static_cast<const Found*>(found)->couplings.size()); }

// Couplings as two node numbers and fF each; `seen` as [3, nets, layers]: area over something, area over nothing, length of sides.
void parasitics_read(const void* given, int32_t* nodes, double* fF, double* seen) {
    const Found& found = *static_cast<const Found*>(given);
    for (const Coupling& c : found.couplings) *nodes++ = c.a, *nodes++ = c.b, *fF++ = c.fF;
    for (const auto* part : {&found.seen.over_something, &found.seen.over_nothing, &found.seen.sides}) seen = std::copy(part->begin(), part->end(), seen);
}

void parasitics_free(void* found) { delete static_cast<Found*>(found); }
}
