// What an erasure looked at and what it found there, place by place (S-14).
//
//   {"erasure", "client", "customer"?, "dry_run", "complete", "places": [
//     {"place": "log", "topic", "records", "erased", "gone", "kept"},     kept: bodies still there
//     {"place": "rows", "partition", "table", "before", "left"},
//     {"place": TEXT, "found", "left", "remark"}]}
#pragma once

#include "consumers/tenant_rows.hpp"

#include <map>

namespace tools::erase {

struct TopicCounts {
    std::uint64_t records = 0, erased = 0, gone = 0, kept = 0;
};

struct OtherPlace {
    std::string place;
    std::uint64_t found = 0, left = 0;
    std::string remark;
};

struct ProofReport {
    std::string erasure;  // "" = nothing was decided
    bool dry_run = false;
    std::string client;
    std::string customer;  // as the caller named it, never stored
    std::map<bus::Topic, TopicCounts> topics;
    bus::PartitionId partition = 0;
    consumers::RowCounts rows_before{}, rows_left{};
    std::vector<OtherPlace> others;

    bool complete() const;  // nothing is left anywhere that this program can reach
    std::string json() const;
};

}  // namespace tools::erase
