// A file or a folder of a simulated disk: what it is now, what was synced, and what of the rest
// survives when the power goes.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

struct SimulatedNode;
using SimulatedNames = std::map<std::string, std::shared_ptr<SimulatedNode>>;

// Written sectors of 512 bytes survive or not, each by itself.
struct SimulatedContent {
    std::string durable, current;
    std::vector<std::pair<std::uint64_t, std::string>> unsynced;

    void sync() {
        durable = current;
        unsynced.clear();
    }
    void settle(std::mt19937_64& random) {
        constexpr std::size_t sector_bytes = 512;
        current = durable;
        const auto mode = random() % 3;  // nothing, everything, or by sector
        for (const auto& [offset, bytes] : unsynced)
            for (std::size_t at = 0; at < bytes.size(); at += sector_bytes)
                if (mode == 1 || (mode == 2 && random() % 2 == 0))
                    current.replace(offset + at, sector_bytes, bytes, at, sector_bytes);
        sync();
    }
};

// Names that were given, changed and taken away survive or not, each change by itself and whole.
struct SimulatedFolder {
    SimulatedNames durable, current;
    std::vector<SimulatedNames> unsynced;  // no node: the name goes

    void change(const SimulatedNames& names) {
        apply(names);
        unsynced.push_back(names);
    }
    void sync() {
        durable = current;
        unsynced.clear();
    }
    void settle(std::mt19937_64& random) {
        current = durable;
        const auto mode = random() % 3;  // nothing, everything, or by change
        for (const SimulatedNames& names : unsynced)
            if (mode == 1 || (mode == 2 && random() % 2 == 0)) apply(names);
        sync();
    }

private:
    void apply(const SimulatedNames& names) {
        for (const auto& [name, node] : names)
            if (node)
                current[name] = node;
            else
                current.erase(name);
    }
};

struct SimulatedNode {
    bool is_folder = false;
    SimulatedContent content;
    SimulatedFolder folder;

    void settle(std::mt19937_64& random) {
        content.settle(random);
        folder.settle(random);
        for (auto& [name, node] : folder.current) node->settle(random);
    }
    bool holds(std::string_view text) const {
        if (content.current.find(text) != std::string::npos) return true;
        for (const auto& [name, node] : folder.current)
            if (node->holds(text)) return true;
        return false;
    }
};

}  // namespace tests
