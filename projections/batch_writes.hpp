// The writes that a batch of events comes to, in one stretch of memory: keys and values are copied
// into it once, and what is sorted is their places.
#pragma once

#include "projections/row.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace projections {

struct Write {
    Table table = Table::rows;
    std::string_view key;                   // complete: instance, tenant, row key
    std::optional<std::string_view> value;  // none = delete
};

class BatchWrites {
public:
    void clear();  // views given before end here
    void erase(Table table, std::string_view key);
    void put(Table table, std::string_view key, std::string_view value);

    // A put whose value is appended to the string that comes back, until keep() or take_back().
    std::string& begin(Table table, std::string_view key);
    std::string_view begun() const;  // its value so far
    void keep();
    void take_back();

    // An index entry under the first bytes of a row's key, as many as name instance and tenant.
    void put_index(std::string_view scope, std::string_view key);
    void erase_index(std::string_view scope, std::string_view key);

    // In key order, each key once: a put outweighs a delete. The views last until clear().
    std::span<const Write> in_order();

private:
    struct Draft {
        Table table = Table::rows;
        bool is_put = false;
        std::uint32_t key_bytes = 0;
        std::size_t key_at = 0;  // the value stands behind the key
        std::size_t value_bytes = 0;
    };
    // Table and first bytes of the key as numbers, which tell most keys apart.
    struct Place {
        std::uint64_t first = 0;
        std::uint64_t second = 0;
        std::size_t draft = 0;
    };

    Draft& draft(Table table, bool is_put, std::string_view key, std::string_view key_rest = {});
    std::string_view key_of(const Draft& draft) const;
    Place place_of(std::size_t draft) const;
    bool is_before(const Place& a, const Place& b) const;

    std::string bytes_;
    std::vector<Draft> drafts_;
    std::vector<Place> places_;
    std::vector<Write> ordered_;
};

}  // namespace projections
