// Per canonical field the value of the latest report that carried it: any order of reports, any
// repetition, gives the same.
//
// Which report is latest: the version of the object that it shows, then when it happened, then the
// rank of its type, then its id. A value that ties in all of them is the larger one.
#pragma once

#include "schemas/event.hpp"
#include "schemas/json/json.hpp"

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace projections {

struct ReportStamp {
    std::int64_t version = 0;  // of the object, where the sender counts; else 0
    bus::Timestamp time{};
    int rank = 0;  // among types that happen in the same moment
    bus::EventId id;
    std::uint32_t emit_index = 0;
    auto operator<=>(const ReportStamp&) const = default;
};

ReportStamp stamp_of(const schemas::Event& event, int rank = 0);

class LatestFields {
public:
    // Absent values tell nothing. Text is cut to text_bytes_max() of its field.
    void tell(schemas::Field field, const schemas::FieldValue& value, const ReportStamp& stamp);
    void tell_text(schemas::Field field, std::string_view text, const ReportStamp& stamp);

    std::string_view text(schemas::Field field) const;
    std::optional<std::int64_t> integer(schemas::Field field) const;
    std::optional<bus::Timestamp> time(schemas::Field field) const;
    bool has(schemas::Field field) const { return find(field) != nullptr; }

    // {"<field>":value,...}: members into an object that is open.
    void write_members(schemas::json::Writer& writer,
                       std::initializer_list<schemas::Field> left_out = {}) const;
    // All of it, as one value; read() gives it back.
    void write(schemas::json::Writer& writer) const;
    void read(const schemas::json::Value& value);

    bool empty() const { return told_.empty(); }

private:
    struct Told {
        schemas::Field field{};
        std::string text;
        std::int64_t number = 0;
        ReportStamp stamp;
    };
    const Told* find(schemas::Field field) const;
    Told* place_for(schemas::Field field, const ReportStamp& stamp, std::string_view text,
                    std::int64_t number);

    std::vector<Told> told_;  // by field
};

}  // namespace projections
