// Paths that pick the values a dedup key or an account id consists of: `data.message.id`,
// `entry[].changes[].value.messages[].id`, `legs[0].id`, `$header.x-event-id`, `$query.id`.
//
// A small part of the mapping language's paths: the door never interprets a payload further.
#pragma once

#include "bus/result.hpp"
#include "producers/request_view.hpp"
#include "schemas/json/json.hpp"

#include <limits>
#include <string>
#include <vector>

namespace producers {

// What a request says, to look for values in: a JSON document, else the text of a form or a query;
// neither in mail and multipart forms.
struct Payload {
    schemas::json::Value document;
    std::string_view parameters = {};
};

class JsonPath {
public:
    static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

    static bus::Result<JsonPath> compile(std::string_view text);  // invalid_input

    // Appends every value found, as text; false when there is none, or none in one of the elements
    // that `[]` leads into. Where there is no document a path is the name of a parameter. Looks no
    // further once `out` holds more than `values_max`.
    bool collect(const RequestView& request, const Payload& payload, std::vector<std::string>& out,
                 std::size_t values_max = unbounded) const;

    // Whether there may be several values: a step leads into every element.
    bool finds_many() const;

    // For those who walk a document themselves, to know where a value was found.
    struct Step {
        std::string member;  // "" for a step into an array
        int index = -1;      // -1 = every element
        bool into_array = false;
    };
    bool in_body() const { return from_ == From::body; }
    const std::vector<Step>& steps() const { return steps_; }
    // collect() for what lies below `at`, which the steps before `step` have led to.
    bool collect_below(schemas::json::Value at, std::size_t step,
                       std::vector<std::string>& out) const {
        return walk(at, step, out, unbounded);
    }

private:
    enum class From : std::uint8_t { body, header, query };
    bool walk(schemas::json::Value at, std::size_t step, std::vector<std::string>& out,
              std::size_t values_max) const;
    bool parameter(std::string_view query, std::vector<std::string>& out) const;

    From from_ = From::body;
    std::string name_;  // of the header or parameter; of the whole path for form bodies
    std::vector<Step> steps_;
};

}  // namespace producers
