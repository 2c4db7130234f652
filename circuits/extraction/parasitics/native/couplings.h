// Capacitances between nodes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

struct Coupling {
    int32_t a, b;
    double fF;
};

class Couplings {
public:
    void add(int32_t a, int32_t b, double fF) {
        const auto [low, high] = std::minmax(a, b);
        held_[uint64_t(uint32_t(low)) << 32 | uint32_t(high)] += fF;
    }

    // All of them, ordered. Between two nets each that is below `least_fF` goes to the largest of its neighbours that is not (one that
    // shares a node, if there is one): what is between two nets stays the same. `net` is by node.
    std::vector<Coupling> merged(const int32_t* net, double least_fF) const {
        std::vector<Coupling> all;
        all.reserve(held_.size());
        for (const auto& [key, fF] : held_) all.push_back({int32_t(key >> 32), int32_t(key & 0xffffffff), fF});
        const auto nets = [net](const Coupling& c) { return std::minmax(net[c.a], net[c.b]); };
        std::sort(all.begin(), all.end(), [&](const Coupling& c, const Coupling& d) {
            const std::pair<int32_t, int32_t> p = nets(c), q = nets(d);
            return p != q ? p < q : std::make_pair(c.a, c.b) < std::make_pair(d.a, d.b);
        });
        std::vector<Coupling> kept;
        std::unordered_map<int32_t, size_t> best;  // node -> its largest coupling that stays
        for (size_t from = 0, to; from < all.size(); from = to) {
            for (to = from + 1; to < all.size() && std::pair<int32_t, int32_t>(nets(all[to])) == std::pair<int32_t, int32_t>(nets(all[from]));) ++to;
            const size_t base = kept.size();
            best.clear();
            const auto larger = [](const Coupling& c, const Coupling& d) { return c.fF < d.fF; };
            const size_t largest = std::max_element(all.begin() + from, all.begin() + to, larger) - all.begin();
            size_t most = base;
            std::vector<double> own;
            for (size_t i = from; i < to; ++i) {
                if (all[i].fF < least_fF && (i != largest || all[largest].fF >= least_fF)) continue;
                if (i == largest) most = kept.size();
                for (const int32_t node : {all[i].a, all[i].b}) {
                    const auto known = best.find(node);
                    if (known == best.end() || own[known->second - base] < all[i].fF) best[node] = kept.size();
                }
                kept.push_back(all[i]);
                own.push_back(all[i].fF);
            }
            for (size_t i = from; i < to; ++i) {
                if (i == largest || all[i].fF >= least_fF) continue;
                const auto a = best.find(all[i].a), b = best.find(all[i].b);
                size_t goes = most;
                if (a != best.end() && b != best.end()) goes = own[a->second - base] >= own[b->second - base] ? a->second : b->second;
                else if (a != best.end()) goes = a->second;
                else if (b != best.end()) goes = b->second;
                kept[goes].fF += all[i].fF;
            }
        }
        return kept;
    }

private:
    std::unordered_map<uint64_t, double> held_;
};
