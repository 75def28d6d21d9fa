// Records and events as an export shows them.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"
#include "schemas/event.hpp"

#include <string>

namespace tools::exports {

// A raw record as a line of POST /v1/imports/records: its bytes, headers and address, and under
// "record" what makes it the same record in another installation.
std::string record_line(const bus::RecordView& record, const bus::Envelope& envelope,
                        std::string_view source_slug);

// A record without a body to be mapped (a fact, a refusal): all headers and the value.
std::string other_line(const bus::RecordView& record);

std::string event_line(const schemas::Event& event);

}  // namespace tools::exports
