// The topic that events of a type stand in, told by the first word of the type.
//
// The door stores by it what comes without a source's channel. A source with a channel stands in
// that, whatever its mapping makes of it.
#pragma once

#include "bus/topic.hpp"

namespace schemas {

bus::Topic topic_of_type(std::string_view type);  // also of what types begin with: "email."

}  // namespace schemas
