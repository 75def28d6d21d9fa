#include "tools/erase/proof_report.hpp"

#include "schemas/json/json.hpp"

namespace tools::erase {

using schemas::json::Writer;

bool ProofReport::complete() const {
    for (const auto& [topic, counts] : topics)
        if (counts.kept > 0) return false;
    for (const std::uint64_t left : rows_left)
        if (left > 0) return false;
    for (const OtherPlace& other : others)
        if (other.left > 0) return false;
    return !dry_run;
}

std::string ProofReport::json() const {
    std::string out;
    Writer json(out);
    const auto count = [&](std::string_view name, std::uint64_t value) {
        json.key(name).unsigned_integer(value);
    };
    json.begin_object().member("erasure", erasure).member("client", client);
    if (!customer.empty()) json.member("customer", customer);
    json.member("dry_run", dry_run).member("complete", complete());
    json.key("places").begin_array();
    for (const auto& [topic, counts] : topics) {
        json.begin_object().member("place", "log").member("topic", bus::short_name(topic));
        count("records", counts.records);
        count("erased", counts.erased);
        count("gone", counts.gone);
        count("kept", counts.kept);
        json.end_object();
    }
    for (std::size_t table = 0; table < rows_before.size(); ++table) {
        json.begin_object().member("place", "rows");
        count("partition", partition);
        json.member("table", consumers::table_names[table]);
        count("before", rows_before[table]);
        count("left", rows_left[table]);
        json.end_object();
    }
    for (const OtherPlace& other : others) {
        json.begin_object().member("place", other.place);
        count("found", other.found);
        count("left", other.left);
        json.member("remark", other.remark).end_object();
    }
    json.end_array().end_object();
    return out;
}

}  // namespace tools::erase
