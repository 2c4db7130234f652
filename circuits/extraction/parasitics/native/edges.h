// Capacitances of edges: to what stands beside them on their layer (sidewall), and to what lies below and above beside them (fringe).
#pragma once

#include "layout.h"

// A shape as an edge sees it: from `from` to `to` along the edge, `near` to `far` away from it.
struct Neighbour {
    int32_t from, to, near, far, layer, shape;
};

struct Stretch {
    int32_t near, far;
};

// Distances that are shielded: ascending, apart from each other.
class Shield {
public:
    void clear() { held_.clear(); }

    void add(Stretch s) {
        auto first = std::lower_bound(held_.begin(), held_.end(), s.near, [](const Stretch& h, int32_t v) { return h.far < v; });
        auto last = first;
        for (; last != held_.end() && last->near <= s.far; ++last) s.near = std::min(s.near, last->near), s.far = std::max(s.far, last->far);
        held_.insert(held_.erase(first, last), s);
    }

    // Calls f(near, far) for what is left of a stretch.
    template <class F>
    void rest(Stretch s, F&& f) const {
        for (const Stretch& h : held_) {
            if (h.far <= s.near) continue;
            if (h.near >= s.far) break;
            if (h.near > s.near) f(s.near, h.near);
            s.near = h.far;
        }
        if (s.near < s.far) f(s.near, s.far);
    }

private:
    std::vector<Stretch> held_;
};

class Edges {
public:
    Edges(const Scene& scene, const View& view, const Grid& channels, bool turned)
        : scene_(scene), technology_(scene.technology), view_(view), channels_(channels), turned_(turned), beside_(scene.technology.layers) {}

    void run() {
        for (int own = 0; own < technology_.layers; ++own) {
            if (!technology_.has_edges(own)) continue;
            for (const Side& side : view_.layers[own].sides) look(own, side);
        }
    }

private:
    void look(int own, const Side& side) {
        scene_.seen.sides[size_t(scene_.shapes.net[side.shape]) * technology_.layers + own] += side.x2 - side.x1;
        neighbours(side);
        std::sort(found_.begin(), found_.end(), [](const Neighbour& a, const Neighbour& b) {
            return std::tie(a.from, a.layer, a.near, a.shape) < std::tie(b.from, b.layer, b.near, b.shape);
        });
        marks_.clear();
        for (const Neighbour& n : found_) marks_.push_back(n.from), marks_.push_back(n.to);
        std::sort(marks_.begin(), marks_.end());
        marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
        active_.clear();
        before_.clear();
        int32_t begun = 0;
        size_t next = 0;
        for (size_t i = 0; i + 1 < marks_.size(); ++i) {
            const int32_t x = marks_[i];
            active_.erase(std::remove_if(active_.begin(), active_.end(), [x](const Neighbour& n) { return n.to <= x; }), active_.end());
            for (; next < found_.size() && found_[next].from == x; ++next) active_.push_back(found_[next]);
            std::sort(active_.begin(), active_.end(), [](const Neighbour& a, const Neighbour& b) {
                return std::tie(a.layer, a.near, a.shape) < std::tie(b.layer, b.near, b.shape);
            });
            const bool alike = std::equal(active_.begin(), active_.end(), before_.begin(), before_.end(), [](const Neighbour& a, const Neighbour& b) {
                return std::tie(a.layer, a.near, a.far, a.shape) == std::tie(b.layer, b.near, b.far, b.shape);
            });
            if (alike) continue;
            emit(own, side, begun, x);
            before_ = active_;
            begun = x;
        }
        if (!marks_.empty()) emit(own, side, begun, marks_.back());
    }

    void neighbours(const Side& side) {
        found_.clear();
        const int32_t y1 = side.out > 0 ? side.y : side.y - technology_.halo, y2 = side.out > 0 ? side.y + technology_.halo : side.y;
        for (int layer = 0; layer < technology_.layers; ++layer)
            view_.grids[layer].each({side.x1, y1, side.x2, y2, 0}, [&](const Rect& r) {
                const int32_t near = side.out > 0 ? r.y1 - side.y : side.y - r.y2, far = side.out > 0 ? r.y2 - side.y : side.y - r.y1;
                found_.push_back({std::max(r.x1, side.x1), std::min(r.x2, side.x2), std::max(near, 0), std::min(far, technology_.halo), layer, r.shape});
            });
    }

    // The capacitances of the stretch from x1 to x2, along which `before_` is what the edge sees.
    void emit(int own, const Side& side, int32_t x1, int32_t x2) {
        if (x2 - x1 <= 1 || before_.empty()) return;
        for (auto& held : beside_) held.clear();
        const Neighbour *nearest = nullptr, *facing = nullptr;
        for (const Neighbour& n : before_) {
            beside_[n.layer].push_back(&n);
            if (n.layer != own) continue;
            if (!nearest || n.near < nearest->near) nearest = &n;
            if (n.shape != side.shape && (!facing || n.near < facing->near)) facing = &n;
        }
        if (facing) sidewall(own, side, x1, x2, *facing);
        for (const int step : {-1, 1}) {
            shield_.clear();
            if (nearest) shield_.add({nearest->near, technology_.halo});
            for (int other = own + step; other >= 0 && other < technology_.layers; other += step) {
                for (const Neighbour* n : beside_[other]) fringe(own, side, x1, x2, *n);
                for (const Neighbour* n : beside_[other]) shield_.add({n->near, n->far});
            }
        }
    }

    void sidewall(int own, const Side& side, int32_t x1, int32_t x2, const Neighbour& n) {
        if (scene_.shapes.net[n.shape] == scene_.shapes.net[side.shape] || scene_.between_plates(side.shape, n.shape)) return;
        // Each of the two edges that face each other has half of it.
        const double um = technology_.um;
        const double fF = 0.5 * technology_.sidewall[own] * (x2 - x1) * um / (n.near * um + technology_.sidewall_offset[own]) / 1000;
        share(own, side, x1, x2, n, n.near, fF);
    }

    void fringe(int own, const Side& side, int32_t x1, int32_t x2, const Neighbour& n) {
        const int32_t mine = scene_.shapes.net[side.shape], theirs = scene_.shapes.net[n.shape];
        const double per_length = technology_.fringe[own * technology_.layers + n.layer];
        if (mine == theirs || per_length <= 0) return;
        if (scene_.shapes.plate[side.shape] && scene_.device_pairs.has(mine, theirs)) return;
        if (n.layer == 0 && along_channel(side, x1, x2)) return;
        shield_.rest({n.near, n.far}, [&](int32_t near, int32_t far) {
            const double part = technology_.nearer(own, n.layer, far) - technology_.nearer(own, n.layer, near);
            const double fF = part * per_length * (x2 - x1) * technology_.um / 1000;
            if (fF > technology_.least_fringe_fF) share(own, side, x1, x2, n, (near + far) / 2, fF);
        });
    }

    // A transistor's model has the fringe of its gate over source and drain.
    bool along_channel(const Side& side, int32_t x1, int32_t x2) const {
        const int32_t x = x1 + (x2 - x1) / 2;
        return channels_.covers(x, side.y);
    }

    Segment segment(int32_t x1, int32_t x2, int32_t y) const {
        return turned_ ? Segment{{double(y), double(x1)}, {double(y), double(x2)}} : Segment{{double(x1), double(y)}, {double(x2), double(y)}};
    }

    // Gives a capacitance to the nodes along both, the edge and a line across its neighbour, so far from it.
    void share(int own, const Side& side, int32_t x1, int32_t x2, const Neighbour& n, int32_t distance, double fF) {
        parts_.clear();
        scene_.nodes.stretches(scene_.shapes.net[side.shape], own, segment(x1, x2, side.y),
                               [&](int32_t node, double t0, double t1) { parts_.push_back({node, t0, t1}); });
        size_t i = 0;
        double t = 0;
        scene_.nodes.stretches(scene_.shapes.net[n.shape], n.layer, segment(x1, x2, side.y + side.out * distance), [&](int32_t node, double, double t1) {
            while (i < parts_.size() && t < t1) {
                const double until = std::min(parts_[i].t1, t1);
                scene_.couplings.add(parts_[i].node, node, fF * (until - t));
                t = until;
                if (parts_[i].t1 <= until) ++i;
            }
        });
    }

    struct Part {
        int32_t node;
        double t0, t1;
    };

    const Scene& scene_;
    const Technology& technology_;
    const View& view_;
    const Grid& channels_;
    bool turned_;
    std::vector<Neighbour> found_, active_, before_;
    std::vector<int32_t> marks_;
    std::vector<std::vector<const Neighbour*>> beside_;
    std::vector<Part> parts_;
    Shield shield_;
};
