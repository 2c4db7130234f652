// Wires of nets over four metals, for a Python caller.

#include <exception>

#include "router.h"

namespace {

struct Routed {
    std::vector<Shape> shapes;
    Failure failure;
};

std::string problem;

}  // namespace

extern "C" {

// All lengths in nm. `area` [4]; `metals` [4, 5] and `cuts` [4, 6] as in rules.h; `open` [4] metals for wires; `kinds` [kinds, 5] four widths and
// the clearance; `net_kind` [nets]; `pin_start` [nets + 1] and `box_start` [pins + 1] offsets; `boxes` [boxes, 5] metal (-1 for li1) and corners;
// `drawn` [drawn, 7] layer as in shapes.h, net or -1, corners, space. Null where it fails, then `routing_problem` says why.
void* routing_run(const int64_t* area, const int64_t* metals, const int64_t* cuts, const uint8_t* open, const int64_t* kinds, int64_t kind_count,
                  const int64_t* net_kind, int64_t net_count, const int64_t* pin_start, const int64_t* box_start, const int64_t* boxes,
                  const int64_t* drawn, int64_t drawn_count, int64_t rounds) {
    try {
        Rules rules{};
        for (int m = 0; m < METALS; ++m, metals += 5) rules.metal[m] = {metals[0], metals[1], metals[2], metals[3], metals[4]};
        for (int c = 0; c < CUTS; ++c, cuts += 6) rules.cut[c] = {cuts[0], cuts[1], cuts[2], cuts[3], cuts[4], cuts[5]};
        const auto rect = [](const int64_t* r) { return Rect{int32_t(r[0]), int32_t(r[1]), int32_t(r[2]), int32_t(r[3])}; };
        std::vector<Kind> all;
        for (int64_t k = 0; k < kind_count; ++k) all.push_back(kind_of(rules, kinds + 5 * k, kinds[5 * k + 4]));
        std::vector<Net> nets(net_count);
        for (int64_t n = 0; n < net_count; ++n) {
            nets[n].kind = int(net_kind[n]);
            for (int64_t p = pin_start[n]; p < pin_start[n + 1]; ++p) {
                nets[n].pins.emplace_back();
                for (int64_t b = box_start[p]; b < box_start[p + 1]; ++b) nets[n].pins.back().push_back({int32_t(boxes[5 * b]), rect(boxes + 5 * b + 1)});
            }
        }
        std::vector<Shape> shapes;
        for (int64_t d = 0; d < drawn_count; ++d, drawn += 7) shapes.push_back({rect(drawn + 2), int32_t(drawn[0]), int32_t(drawn[1]), int32_t(drawn[6]), true});
        Router router(rules, rect(area), std::move(all), {open[0] != 0, open[1] != 0, open[2] != 0, open[3] != 0}, std::move(nets), shapes);
        auto routed = std::make_unique<Routed>();
        if (router.run(int(rounds))) {
            for (const Net& net : router.nets()) routed->shapes.insert(routed->shapes.end(), net.pieces.begin(), net.pieces.end());
        } else {
            routed->failure = router.failure;
        }
        return routed.release();
    } catch (const std::exception& error) {
        problem = error.what();
        return nullptr;
    }
}

const char* routing_problem() { return problem.c_str(); }

// `counts` [3]: shapes, nets that failed, whether these were in each other's way (else a pin cannot be reached).
void routing_counts(const void* given, int64_t* counts) {
    const Routed& routed = *static_cast<const Routed*>(given);
    counts[0] = int64_t(routed.shapes.size()), counts[1] = int64_t(routed.failure.nets.size()), counts[2] = routed.failure.crowded;
}

// `shapes` [shapes, 6] net, layer, corners; `failed` [nets]; `where` [4] the box round what failed.
void routing_read(const void* given, int64_t* shapes, int64_t* failed, int64_t* where) {
    const Routed& routed = *static_cast<const Routed*>(given);
    for (const Shape& s : routed.shapes)
        for (const int64_t value : {s.net, s.layer, s.rect.x0, s.rect.y0, s.rect.x1, s.rect.y1}) *shapes++ = value;
    for (const int32_t n : routed.failure.nets) *failed++ = n;
    const Rect& r = routed.failure.where;
    for (const int64_t value : {r.x0, r.y0, r.x1, r.y1}) *where++ = value;
}

void routing_free(void* routed) { delete static_cast<Routed*>(routed); }
}
