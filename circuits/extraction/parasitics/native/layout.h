// A layout to be looked at, and what is found of it.
#pragma once

#include "couplings.h"
#include "grid.h"
#include "nodes.h"
#include "shapes.h"
#include "technology.h"

constexpr int32_t CELL = 4000;  // of the grids, in units of length: 4 um

// Layers of one view (as drawn, or with x and y exchanged) with their grids.
struct View {
    std::vector<Layer> layers;
    std::vector<Grid> grids;

    View(const Shapes& shapes, int count, bool turn) : layers(layers_of(shapes, count, turn)) {
        grids.reserve(layers.size());
        for (const Layer& layer : layers) grids.emplace_back(layer.rects, CELL);
    }
};

// What was looked at, by net and layer: must be what the layout has.
struct Seen {
    std::vector<double> over_something;  // area, of shapes with something below them
    std::vector<double> over_nothing;
    std::vector<double> sides;  // length
    Seen(size_t nets, size_t layers) : over_something(nets * layers), over_nothing(nets * layers), sides(nets * layers) {}
};

struct Scene {
    const Shapes& shapes;
    const Technology& technology;
    const Pairs& device_pairs;
    const Nodes& nodes;
    Couplings& couplings;
    Seen& seen;

    int32_t net(const Rect& r) const { return shapes.net[r.shape]; }
    bool between_plates(int32_t a, int32_t b) const {
        return shapes.plate[a] && shapes.plate[b] && device_pairs.has(shapes.net[a], shapes.net[b]);
    }
};
