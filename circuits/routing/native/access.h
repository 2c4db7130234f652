// Where a net's wires can begin at a pin: a node, and what is drawn between it and the pin.
#pragma once

#include "field.h"

struct Box {
    int32_t metal;  // -1 is li1
    Rect rect;
};

struct Access {
    int32_t metal, node;  // of the plane of that metal
    int32_t box;          // of the pin's alternatives
    int32_t length;       // from the pin to the node
    std::vector<Rect> metals;
    std::vector<Rect> cuts;  // mcon
};

class Accesses {
public:
    Accesses(const Rules& rules, const Nodes& nodes, const Kind& thin, const Shapes& shapes, const Rect& area)
        : rules_(rules), nodes_(nodes), thin_(thin), shapes_(shapes), area_(area) {}

    std::vector<Access> of(const std::vector<Box>& pin, int32_t net) const {
        std::vector<Access> found;
        for (size_t b = 0; b < pin.size(); ++b) {
            const auto more = pin[b].metal < 0 ? on_li1(pin[b].rect, net) : on_metal(pin[b], net);
            for (const Access& access : more) found.push_back(access), found.back().box = int32_t(b);
        }
        return found;
    }

private:
    // Through a cut in the pin, at the place nearest to each node round it.
    std::vector<Access> on_li1(const Rect& pin, int32_t net) const {
        const Rect cut = square(int32_t(rules_.cut[0].size));
        const Rect room{ceil_to(pin.x0 - cut.x0, DRAWN), ceil_to(pin.y0 - cut.y0, DRAWN), floor_to(pin.x1 - cut.x1, DRAWN),
                        floor_to(pin.y1 - cut.y1, DRAWN)};
        std::vector<Access> found;
        if (room.x0 > room.x1 || room.y0 > room.y1) return found;
        const auto side = int32_t(rules_.cut[0].high_side), end = int32_t(rules_.cut[0].high_end);
        each_node(room.grown(PITCH), [&](int32_t node, int32_t x, int32_t y) {
            const int32_t px = std::clamp(x, room.x0, room.x1), py = std::clamp(y, room.y0, room.y1);
            const Rect mcon = cut.moved(px, py);
            bool free = true;
            shapes_.each(METALS, mcon.grown(int32_t(rules_.cut[0].space)), [&](const Shape& other) { free &= !nearer(mcon, other.rect, rules_.cut[0].space); });
            if (!free) return;
            const Rect stub = hull(thin_.wire[0].moved(px, py), thin_.wire[0].moved(x, y));
            for (const bool level : {true, false}) {
                const int32_t dx = level ? end : side, dy = level ? side : end;
                const Rect landing{mcon.x0 - dx, mcon.y0 - dy, mcon.x1 + dx, mcon.y1 + dy};
                if (fits(0, landing, net) && fits(0, stub, net))
                    found.push_back({0, node, 0, std::abs(x - px) + std::abs(y - py), {landing, stub}, {mcon}});
            }
        });
        return found;
    }

    // Nodes inside; where there are none, short wires to the nodes round it.
    std::vector<Access> on_metal(const Box& pin, int32_t net) const {
        const Rect& wire = thin_.wire[pin.metal];
        Rect room{ceil_to(pin.rect.x0 - wire.x0, DRAWN), ceil_to(pin.rect.y0 - wire.y0, DRAWN), floor_to(pin.rect.x1 - wire.x1, DRAWN),
                  floor_to(pin.rect.y1 - wire.y1, DRAWN)};
        if (room.x0 > room.x1) room.x0 = room.x1 = floor_to((room.x0 + room.x1) / 2, DRAWN);
        if (room.y0 > room.y1) room.y0 = room.y1 = floor_to((room.y0 + room.y1) / 2, DRAWN);
        std::vector<Access> found;
        each_node(room, [&](int32_t node, int32_t, int32_t) { found.push_back({pin.metal, node, 0, 0, {}, {}}); });
        if (!found.empty()) return found;
        each_node(room.grown(PITCH), [&](int32_t node, int32_t x, int32_t y) {
            const int32_t px = std::clamp(x, room.x0, room.x1), py = std::clamp(y, room.y0, room.y1);
            const Rect stub = hull(wire.moved(px, py), wire.moved(x, y));
            if (fits(pin.metal, stub, net)) found.push_back({pin.metal, node, 0, std::abs(x - px) + std::abs(y - py), {stub}, {}});
        });
        return found;
    }

    bool fits(int metal, const Rect& rect, int32_t net) const {
        bool free = area_.holds(rect);
        if (free) shapes_.each_conflict(metal, rect, net, thin_.space[metal], [&](const Shape&) { free = false; });
        return free;
    }

    template <class F>
    void each_node(const Rect& room, F&& f) const {
        const auto [i0, i1] = nodes_.columns_between(room.x0 - 1, room.x1 + 1);
        const auto [j0, j1] = nodes_.rows_between(room.y0 - 1, room.y1 + 1);
        for (int32_t j = j0; j <= j1; ++j)
            for (int32_t i = i0; i <= i1; ++i) f(nodes_.at(i, j), nodes_.x(i), nodes_.y(j));
    }

    const Rules& rules_;
    const Nodes& nodes_;
    const Kind& thin_;
    const Shapes& shapes_;
    Rect area_;
};
