// Bodies and queries that are pairs, and CloudEvents in each of their forms.
#include "bus/http/http.hpp"
#include "bus/text.hpp"
#include "producers/body_form.hpp"
#include "producers/cloud_events.hpp"

#include <cstdlib>

namespace {

constexpr std::size_t pairs_max = 1'000, items_max = 100;

// What was decoded and is encoded again means the same.
void check_round_trip(std::string_view text) {
    const std::string decoded = bus::percent_decode(text, false);
    if (bus::percent_decode(bus::percent_encode(decoded), false) != decoded) std::abort();
    if (const auto bytes = bus::from_base64(text))
        if (bus::from_base64(bus::to_base64(*bytes)).value_or("") != *bytes) std::abort();
    if (const auto bytes = bus::from_hex(text))
        if (bus::from_hex(bus::to_hex(*bytes)).value_or("") != *bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using producers::FieldView;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    check_round_trip(text);
    (void)bus::http::parse_query(text);
    (void)producers::check_form(text, pairs_max);
    const auto end = std::min(text.find('\n'), text.size());
    const std::vector<FieldView> fields{{"content-type", "application/json"},
                                        {"ce-id", text.substr(0, end)},
                                        {"ce-type", "a.b"},
                                        {"ce-source", text.substr(0, end)},
                                        {"ce-specversion", "1.0"}};
    const producers::RequestView request{"POST", "/v1/events", "", fields,
                                         text.substr(std::min(text.size(), end + 1))};
    schemas::json::Parser parser;
    for (const auto form : {producers::EventsForm::binary, producers::EventsForm::structured,
                            producers::EventsForm::array, producers::EventsForm::lines})
        (void)producers::parse_events(request, form, parser, {}, items_max);
    return 0;
}
