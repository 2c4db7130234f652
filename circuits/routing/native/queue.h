// What is to be looked at next: entries by rising estimate, in buckets.
#pragma once

#include "rules.h"

struct Entry {
    uint32_t estimate, cost;
    int16_t i, j, metal, came;
};

// Entries within a bucket come last in, first out. Those too dear for the buckets wait in a heap.
class Queue {
public:
    Queue() : buckets_(COUNT) {}

    void clear() {
        for (uint32_t k = 0; waiting_ > 0 && k < COUNT; ++k) waiting_ -= buckets_[k].size(), buckets_[k].clear();
        far_.clear();
        now_ = 0, waiting_ = 0;
    }

    void push(const Entry& entry) {
        const uint32_t key = std::max(entry.estimate / WIDTH, now_);
        if (key - now_ >= COUNT) {
            far_.push_back(entry);
            std::push_heap(far_.begin(), far_.end(), dearer);
            return;
        }
        buckets_[key % COUNT].push_back(entry), ++waiting_;
    }

    bool pop(Entry& entry) {
        if (waiting_ == 0) {
            if (far_.empty()) return false;
            now_ = std::max(now_, far_.front().estimate / WIDTH);
        }
        for (;; ++now_) {
            while (!far_.empty() && far_.front().estimate / WIDTH <= now_) {
                buckets_[now_ % COUNT].push_back(far_.front()), ++waiting_;
                std::pop_heap(far_.begin(), far_.end(), dearer), far_.pop_back();
            }
            auto& bucket = buckets_[now_ % COUNT];
            if (bucket.empty()) continue;
            entry = bucket.back();
            bucket.pop_back(), --waiting_;
            return true;
        }
    }

private:
    static constexpr uint32_t COUNT = 1 << 14, WIDTH = 32;
    static bool dearer(const Entry& a, const Entry& b) {
        return a.estimate != b.estimate ? a.estimate > b.estimate : a.cost != b.cost ? a.cost < b.cost : a.metal != b.metal ? a.metal > b.metal : a.j != b.j ? a.j > b.j : a.i > b.i;
    }
    std::vector<std::vector<Entry>> buckets_;
    std::vector<Entry> far_;
    uint32_t now_ = 0;
    size_t waiting_ = 0;
};
