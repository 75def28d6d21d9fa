// Folded rows go to a store that nobody else writes, with its checkpoint as their position.
#pragma once

#include "consumers/log_folding.hpp"
#include "projections/store/row_store.hpp"

namespace consumers {

class StoreTarget : public FoldTarget {
public:
    explicit StoreTarget(projections::store::RowStore& rows) : rows_(rows) {}  // outlives this
    bus::Position position() const override { return rows_.checkpoint(); }
    bus::Result<bus::Done> commit(const std::vector<projections::store::StoreWrite>& writes,
                                  const bus::Position& position) override {
        return rows_.commit(writes, position);
    }

private:
    bus::Result<std::optional<std::string>> read(std::uint8_t table,
                                                 std::string_view key) override {
        return rows_.get(table, key);
    }
    projections::store::RowStore& rows_;
};

}  // namespace consumers
