// `tributary receive`: the public port alone. Rows, reads and commands are another process's.
#pragma once

#include "tools/platform.hpp"

namespace tools {

// options.log names Kafka; options.data holds the keys of the process that projects, else
// not_found says how they come there. api() of the result is empty.
bus::Result<std::unique_ptr<Platform>> start_receiver(const ServeOptions& options,
                                                      bus::Clock& clock, bus::IdSource& ids);

}  // namespace tools
