// Nets routed one by one, each cheaply, and again where they are in each other's way, at rising prices (negotiated congestion).
#pragma once

#include <memory>
#include <string>

#include "access.h"
#include "legal.h"
#include "search.h"

struct Net {
    int kind;
    std::vector<std::vector<Box>> pins;
    std::vector<std::vector<Access>> accesses;  // by pin
    std::vector<Shape> drawn;                   // its own, before
    std::vector<Shape> pieces;                  // as routed
    std::vector<int32_t> ids;                   // of the pieces among all shapes
    std::vector<Rect> tapers;                   // where it is thin
};

struct Failure {
    std::vector<int32_t> nets;
    Rect where{0, 0, 0, 0};
    bool crowded = false;  // else a pin cannot be reached at all
};

class Router {
public:
    Router(const Rules& rules, const Rect& area, std::vector<Kind> kinds, const std::array<bool, METALS>& open, std::vector<Net> nets, const std::vector<Shape>& drawn)
        : rules_(rules), area_(area), nodes_(area), kinds_(std::move(kinds)), nets_(std::move(nets)), shapes_(area) {
        for (const Kind& kind : kinds_) fields_.emplace_back(nodes_, kind, area);
        for (int m = 0; m < METALS; ++m) prices_.wire[m].assign(nodes_.plane(), 0);
        for (int c = 1; c < CUTS; ++c) prices_.via[c].assign(nodes_.plane(), 0);
        search_ = std::make_unique<Search>(nodes_, fields_, prices_, open);
        for (const Shape& shape : drawn) {
            shapes_.add(shape), count(shape, 1);
            if (shape.net >= 0) nets_[shape.net].drawn.push_back(shape);
        }
        const Accesses accesses(rules_, nodes_, kinds_[0], shapes_, area);
        for (size_t n = 0; n < nets_.size(); ++n) prepare(nets_[n], int32_t(n), accesses);
    }

    // Whether all nets were routed; else `failure` tells.
    bool run(int rounds) {
        std::vector<int32_t> todo = order();
        prices_.present = 6 * PITCH;
        for (int round = 0; round < rounds; ++round) {
            window_margin_ = 20 + 10 * round;
            for (const int32_t n : todo) {
                rip(n);
                if (!route(n)) return false;
            }
            todo = judge(PITCH / 2);
            if (todo.empty()) return true;
            prices_.present = std::min<uint32_t>(prices_.present + prices_.present / 2 + 1, 200 * PITCH);
        }
        failure.crowded = true, failure.nets = todo, failure.where = crowded_;
        return false;
    }

    const std::vector<Net>& nets() const { return nets_; }
    Failure failure;

private:
    static constexpr int32_t TAPER = 600;  // thin wires round a small pin reach so far past what a full one would need

    void count(const Shape& shape, int by) {
        const int32_t cut_space = shape.layer >= METALS ? std::max(shape.space, int32_t(rules_.cut[shape.layer - METALS].space)) : 0;
        for (Field& field : fields_) field.count(shape, by, cut_space);
    }

    void prepare(Net& net, int32_t n, const Accesses& accesses) {
        for (const auto& pin : net.pins) {
            net.accesses.push_back(accesses.of(pin, n));
            if (net.kind == 0) continue;
            const Kind& kind = kinds_[net.kind];
            const int32_t full = *std::max_element(kind.width.begin(), kind.width.end());
            for (const Box& box : pin)
                if (box.metal < 0 || std::min(box.rect.width(), box.rect.height()) < kind.width[box.metal] || kind.space[box.metal] > kinds_[0].space[box.metal])
                    net.tapers.push_back(box.rect.grown(full / 2 + kind.space[std::max(box.metal, 0)] + TAPER));
        }
    }

    std::vector<int32_t> order() const {
        std::vector<std::pair<int64_t, int32_t>> sizes;
        for (size_t n = 0; n < nets_.size(); ++n) {
            if (nets_[n].pins.size() < 2) continue;
            Rect all = nets_[n].pins[0][0].rect;
            for (const auto& pin : nets_[n].pins) all = hull(all, pin[0].rect);
            sizes.push_back({int64_t(all.width()) + all.height(), int32_t(n)});
        }
        std::sort(sizes.begin(), sizes.end());
        std::vector<int32_t> found;
        for (const auto& [size, n] : sizes) found.push_back(n);
        return found;
    }

    void rip(int32_t n) {
        Net& net = nets_[n];
        for (const int32_t id : net.ids) shapes_.remove(id);
        for (const Shape& piece : net.pieces) count(piece, -1);
        net.ids.clear(), net.pieces.clear();
    }

    // The net's own drawn shapes are out of its way while it is routed.
    bool route(int32_t n) {
        Net& net = nets_[n];
        search_->kind = net.kind;
        for (int c = 1; c < CUTS; ++c) search_->apart[c] = (kinds_[net.kind].via[c].cut_box.width() + int32_t(rules_.cut[c].space) + PITCH - 1) / PITCH;
        for (const Shape& shape : net.drawn) count(shape, -1);
        for (const Rect& r : net.tapers) set_thin(r, 1);
        for (auto& plane : search_->no_cut) std::fill(plane.begin(), plane.end(), 0);
        for (const Shape& shape : net.drawn)
            if (shape.layer > METALS) keep_cuts_off(shape.layer - METALS, shape.rect);
        const bool done = join(net, n);
        if (done) finish(net, n);
        for (const Rect& r : net.tapers) set_thin(r, 0);
        for (const Shape& shape : net.drawn) count(shape, 1);
        for (const Shape& piece : net.pieces) count(piece, 1);
        return done;
    }

    bool join(Net& net, int32_t n) {
        std::vector<Spot> tree;
        std::vector<std::pair<int32_t, int32_t>> boxes;  // pin, box: reached, so that it can be left anywhere
        std::vector<int32_t> left;
        for (int32_t p = 1; p < int32_t(net.pins.size()); ++p) left.push_back(p);
        Rect has = net.pins[0][0].rect;
        while (!left.empty()) {
            const auto next = std::min_element(left.begin(), left.end(), [&](int32_t a, int32_t b) { return away(net, a, has, tree) < away(net, b, has, tree); });
            const int32_t pin = *next;
            left.erase(next);
            std::vector<End> from, to;
            std::vector<const Access*> used;
            const auto offer = [&](const Access& access, std::vector<End>& ends) {
                const int64_t cost = price(access, n);
                if (cost < 0) return;
                ends.push_back({{access.metal, access.node}, uint32_t(cost), int32_t(used.size())});
                used.push_back(&access);
            };
            for (const Spot& spot : tree) from.push_back({spot, 0, -1});
            if (tree.empty())
                for (const Access& access : net.accesses[0]) offer(access, from);
            for (const auto& [p, box] : boxes)
                for (const Access& access : net.accesses[p])
                    if (access.box == box) offer(access, from);
            for (const Access& access : net.accesses[pin]) offer(access, to);
            Path path;
            if (!find(from, to, path)) {
                failure.nets = {n}, failure.where = net.pins[pin][0].rect;
                return false;
            }
            const bool first = tree.empty();
            lay(net, n, path);
            for (const int32_t tag : {path.from, path.to}) {
                if (tag < 0) continue;
                const Access& access = *used[tag];
                for (const Rect& r : access.metals) put(net, n, access.metal, r, kinds_[0].space[access.metal]);
                for (const Rect& r : access.cuts) put(net, n, METALS, r, int32_t(rules_.cut[0].space));
                const int32_t p = tag == path.to ? pin : 0;
                if ((tag == path.to || first) && access.cuts.empty()) boxes.push_back({p, access.box});
            }
            tree.insert(tree.end(), path.spots.begin(), path.spots.end());
        }
        return true;
    }

    int64_t away(const Net& net, int32_t pin, const Rect& first, const std::vector<Spot>& tree) const {
        int64_t best = INT64_MAX;
        for (const Box& box : net.pins[pin]) {
            if (tree.empty()) best = std::min<int64_t>(best, gap_x(box.rect, first) + gap_y(box.rect, first));
            for (const Spot& spot : tree) {
                const int32_t x = nodes_.x(spot.at % nodes_.columns), y = nodes_.y(spot.at / nodes_.columns);
                best = std::min<int64_t>(best, gap_x(box.rect, {x, y, x, y}) + gap_y(box.rect, {x, y, x, y}));
            }
        }
        return best;
    }

    // What an access costs, less than 0 where it cannot be.
    int64_t price(const Access& access, int32_t n) const {
        int64_t crossed = 0;
        bool free = true;
        for (const Rect& r : access.metals)
            shapes_.each_conflict(access.metal, r, n, kinds_[0].space[access.metal], [&](const Shape& other) { other.drawn ? free = false : ++crossed != 0; });
        for (const Rect& r : access.cuts)
            shapes_.each(METALS, r.grown(int32_t(rules_.cut[0].space)), [&](const Shape& other) {
                if (other.net == n && nearer(r, other.rect, rules_.cut[0].space)) free = false;
            });
        const int64_t cost = access.length * 2 + (access.cuts.empty() ? 0 : CROSS) + crossed * 8 * prices_.present;
        return free ? std::min<int64_t>(cost, MOST) : -1;
    }

    bool find(const std::vector<End>& from, const std::vector<End>& to, Path& path) {
        Window all{0, 0, nodes_.columns - 1, nodes_.rows - 1}, near{INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
        for (const auto* ends : {&from, &to})
            for (const End& end : *ends) {
                const int32_t i = end.spot.at % nodes_.columns, j = end.spot.at / nodes_.columns;
                near = {std::min(near.i0, i), std::min(near.j0, j), std::max(near.i1, i), std::max(near.j1, j)};
            }
        const Window window{std::max(0, near.i0 - window_margin_), std::max(0, near.j0 - window_margin_), std::min(all.i1, near.i1 + window_margin_), std::min(all.j1, near.j1 + window_margin_)};
        return search_->run(from, to, window, path) || search_->run(from, to, all, path);
    }

    // Draw a path: straight runs, and vias between them.
    void lay(Net& net, int32_t n, const Path& path) {
        const auto& spots = path.spots;
        const auto at = [&](const Spot& spot, const Rect& r) { return r.moved(nodes_.x(spot.at % nodes_.columns), nodes_.y(spot.at / nodes_.columns)); };
        for (size_t k = 0; k + 1 < spots.size();) {
            const Spot &a = spots[k], &b = spots[k + 1];
            if (a.metal != b.metal) {
                const int cut = std::max(a.metal, b.metal);
                const Kind& kind = kinds_[search_->kind_at(a.at)];
                const Via& via = kind.via[cut];
                put(net, n, cut - 1, at(a, via.low), kind.space[cut - 1]), put(net, n, cut, at(a, via.high), kind.space[cut]);
                for (const Rect& r : via.cuts) put(net, n, METALS + cut, at(a, r), int32_t(rules_.cut[cut].space));
                keep_cuts_off(cut, at(a, via.cut_box));
                ++k;
                continue;
            }
            const int32_t step = b.at - a.at;
            // A step that touches a thin node is thin.
            const auto kind_of_step = [&](size_t s) { return std::min(search_->kind_at(spots[s].at), search_->kind_at(spots[s + 1].at)); };
            const int kind = kind_of_step(k);
            size_t end = k + 1;
            while (end + 1 < spots.size() && spots[end + 1].metal == a.metal && spots[end + 1].at - spots[end].at == step && kind_of_step(end) == kind) ++end;
            const Rect& wire = kinds_[kind].wire[a.metal];
            put(net, n, a.metal, hull(at(a, wire), at(spots[end], wire)), kinds_[kind].space[a.metal]);
            k = end;
        }
        if (spots.size() == 1) put(net, n, spots[0].metal, at(spots[0], kinds_[search_->kind_at(spots[0].at)].wire[spots[0].metal]), kinds_[0].space[spots[0].metal]);
    }

    void put(Net& net, int32_t n, int layer, const Rect& rect, int32_t space) {
        net.pieces.push_back({rect, layer, n, space, false});
        net.ids.push_back(shapes_.add(net.pieces.back()));
    }

    // Gaps, corners and areas of the net by itself.
    void finish(Net& net, int32_t n) {
        for (int m = 0; m < METALS; ++m) {
            std::vector<Rect> routed, drawn;
            for (const Shape& piece : net.pieces)
                if (piece.layer == m) routed.push_back(piece.rect);
            if (routed.empty()) continue;
            const Metal& metal = rules_.metal[m];
            for (const Shape& shape : net.drawn)
                if (shape.layer == m && std::any_of(routed.begin(), routed.end(), [&](const Rect& r) { return gap_x(r, shape.rect) <= metal.space && gap_y(r, shape.rect) <= metal.space; }))
                    drawn.push_back(shape.rect);
            const auto cost = [&](const Rect& r) {
                int crossed = area_.holds(r) ? 0 : -1;
                shapes_.each_conflict(m, r, n, int32_t(metal.space), [&](const Shape& other) { crossed = other.drawn || crossed < 0 ? -1 : crossed + 1; });
                return crossed;
            };
            const Legal legal = Legaliser(metal, cost).run(routed, drawn);
            for (const Rect& r : legal.added) put(net, n, m, r, int32_t(metal.space));
            for (const Rect& r : legal.bad) bad_.push_back({n, m, r});
        }
    }

    // Nets in each other's way, or illegal by themselves; places where they are get dearer.
    std::vector<int32_t> judge(uint32_t charge) {
        std::vector<uint8_t> again(nets_.size(), 0);
        bool any = false;
        const auto note = [&](int32_t n, int m, const Rect& r, uint32_t charge) {
            again[n] = 1;
            crowded_ = any ? hull(crowded_, r) : r, any = true;
            const auto [i0, i1] = nodes_.columns_between(r.x0 - PITCH, r.x1 + PITCH);
            const auto [j0, j1] = nodes_.rows_between(r.y0 - PITCH, r.y1 + PITCH);
            for (int32_t j = j0; j <= j1; ++j)
                for (int32_t i = i0; i <= i1; ++i) {
                    const int32_t at = nodes_.at(i, j);
                    prices_.wire[m][at] += charge;
                    if (m > 0) prices_.via[m][at] += charge;
                    if (m + 1 < METALS) prices_.via[m + 1][at] += charge;
                }
        };
        for (size_t n = 0; n < nets_.size(); ++n)
            for (const Shape& piece : nets_[n].pieces) {
                if (piece.layer >= METALS) {
                    judge_cut(piece);
                    continue;
                }
                shapes_.each_conflict(piece.layer, piece.rect, int32_t(n), piece.space, [&](const Shape& other) {
                    const Rect a = piece.rect.grown(piece.space / 2), b = other.rect.grown(piece.space / 2);
                    note(int32_t(n), piece.layer, {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)}, charge);
                });
            }
        for (const Bad& bad : bad_)
            note(bad.net, bad.metal, bad.rect, 20 * charge);
        bad_.clear();
        std::vector<int32_t> todo;
        for (const int32_t n : order())
            if (again[n]) todo.push_back(n);
        return todo;
    }

    // Cuts of one net are too near to each other.
    void judge_cut(const Shape& piece) {
        const int cut = piece.layer - METALS;
        shapes_.each(piece.layer, piece.rect.grown(piece.space), [&](const Shape& other) {
            if (other.net == piece.net && !(piece.rect == other.rect) && nearer(piece.rect, other.rect, rules_.cut[cut].space))
                bad_.push_back({piece.net, cut, hull(piece.rect, other.rect)});
        });
    }

    void set_thin(const Rect& r, uint8_t value) {
        const auto [i0, i1] = nodes_.columns_between(r.x0, r.x1);
        const auto [j0, j1] = nodes_.rows_between(r.y0, r.y1);
        for (int32_t j = j0; j <= j1; ++j)
            for (int32_t i = i0; i <= i1; ++i) search_->thin[nodes_.at(i, j)] = value;
    }

    void keep_cuts_off(int cut, const Rect& r) {
        const auto space = int32_t(rules_.cut[cut].space);
        const Rect& placed = kinds_[search_->kind].via[cut].cut_box;
        const auto [i0, i1] = nodes_.columns_between(r.x0 - space - placed.x1, r.x1 + space - placed.x0);
        const auto [j0, j1] = nodes_.rows_between(r.y0 - space - placed.y1, r.y1 + space - placed.y0);
        for (int32_t j = j0; j <= j1; ++j)
            for (int32_t i = i0; i <= i1; ++i) search_->no_cut[cut][nodes_.at(i, j)] = 1;
    }

    struct Bad {
        int32_t net, metal;
        Rect rect;
    };

    const Rules rules_;
    const Rect area_;
    const Nodes nodes_;
    const std::vector<Kind> kinds_;
    std::vector<Net> nets_;
    Shapes shapes_;
    std::vector<Field> fields_;
    Prices prices_;
    std::unique_ptr<Search> search_;
    std::vector<Bad> bad_;
    Rect crowded_{};
    int32_t window_margin_ = 20;
};
