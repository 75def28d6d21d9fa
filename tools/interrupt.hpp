// Commands that follow something end when the terminal says so: after what they are at.
#pragma once

#include "bus/ids.hpp"

namespace tools {

// SIGINT and SIGTERM; the second one ends the process at once.
void watch_for_interrupt();
bool interrupted();
// False when interrupted meanwhile.
bool sleep_unless_interrupted(bus::milliseconds time);

}  // namespace tools
