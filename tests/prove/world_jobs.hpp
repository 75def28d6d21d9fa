// Long works that the operator of a FaultWorld asks for.
#pragma once

#include "tests/prove/fault_world.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace tests::prove {

Headers admin_of(FaultWorld& world);
Answer ask_as_admin(FaultWorld& world, const std::string& method, const std::string& target,
                    const std::string& body = {});

// The job that this answer tells of, once it has ended; nothing where it does not in half a minute,
// or the program does. Who does not answer is asked again.
std::optional<Document> ended(FaultWorld& world, const Answer& started);
// Waits as long until nothing runs.
bool all_have_ended(FaultWorld& world);

}  // namespace tests::prove
