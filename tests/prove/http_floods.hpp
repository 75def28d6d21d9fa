// What is too much: bodies and heads without end, deep pipelines, answers that nobody reads,
// sockets closed by half. Each is answered as designed, and the program's memory does not follow
// it, and neither does the time that others wait.
#pragma once

#include "tests/prove/other_callers.hpp"
#include "tests/support/child_platform.hpp"

namespace tests::prove {

// `post_target` takes JSON bodies on the ingress.
void try_floods(Section& section, const ChildPlatform& child, const std::string& post_target,
                const OtherCallers& others);

}  // namespace tests::prove
