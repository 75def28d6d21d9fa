// What is too much: bodies and heads without end, deep pipelines, answers that nobody reads,
// sockets closed by half. Each is answered as designed, and the program's memory does not follow
// it.
#pragma once

#include "tests/prove/section.hpp"
#include "tests/support/child_platform.hpp"

namespace tests::prove {

// `post_target` takes JSON bodies on the ingress.
void try_floods(Section& section, const ChildPlatform& child, const std::string& post_target);

}  // namespace tests::prove
