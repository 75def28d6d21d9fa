// The topic that a mapping's text names with `channel:`.
#pragma once

#include "bus/topic.hpp"

namespace schemas {

// nullopt when the text names none, or does not parse.
std::optional<bus::Topic> mapping_channel(std::string_view yaml);

}  // namespace schemas
