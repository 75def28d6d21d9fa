// Committed rows in a std::map: what a store would hold, for moments of the past and for tests.
#pragma once

#include "projections/batch.hpp"

#include <array>
#include <map>

namespace projections {

class MemoryRows final : public CommittedRows {
public:
    using TableRows = std::map<std::string, std::string>;

    std::optional<std::string> get(Table table, std::string_view key) override {
        const TableRows& rows = tables_[static_cast<std::size_t>(table)];
        const auto found = rows.find(std::string{key});
        if (found == rows.end()) return std::nullopt;
        return found->second;
    }
    void apply(std::span<const Write> writes) {
        for (const Write& write : writes) {
            if (write.value)
                put(write.table, std::string{write.key}, std::string{*write.value});
            else
                tables_[static_cast<std::size_t>(write.table)].erase(std::string{write.key});
        }
    }
    void put(Table table, std::string complete_key, std::string value) {
        tables_[static_cast<std::size_t>(table)].insert_or_assign(std::move(complete_key),
                                                                  std::move(value));
    }
    const TableRows& rows(Table table) const { return tables_[static_cast<std::size_t>(table)]; }
    bool operator==(const MemoryRows& other) const { return tables_ == other.tables_; }

private:
    std::array<TableRows, table_count> tables_;
};

// The rows of one instance and tenant, as the read side gets them. Sees later apply() calls.
class MemoryReadView final : public ReadView {
public:
    MemoryReadView(const MemoryRows& rows, InstanceId instance, bus::TenantId tenant)
        : rows_(rows), scope_(complete_key(instance, tenant, "")) {}

    std::optional<std::string> get(Table table, std::string_view key) const override {
        const MemoryRows::TableRows& rows = rows_.rows(table);
        const auto found = rows.find(scope_ + std::string{key});
        if (found == rows.end()) return std::nullopt;
        return found->second;
    }
    void scan(Table table, std::string_view from, std::string_view to, bool descending,
              const Visit& visit) const override {
        const MemoryRows::TableRows& rows = rows_.rows(table);
        const std::string first = scope_ + std::string{from};
        const std::string last = to.empty() ? prefix_end(scope_) : scope_ + std::string{to};
        auto begin = rows.lower_bound(first);
        auto end = last.empty() ? rows.end() : rows.lower_bound(last);
        if (!last.empty() && last <= first) end = begin;
        const auto show = [&](const auto& row) {
            return visit(std::string_view{row.first}.substr(scope_.size()), row.second);
        };
        if (!descending) {
            while (begin != end && show(*begin)) ++begin;
        } else {
            while (begin != end && show(*std::prev(end))) --end;
        }
    }

private:
    const MemoryRows& rows_;
    const std::string scope_;
};

}  // namespace projections
