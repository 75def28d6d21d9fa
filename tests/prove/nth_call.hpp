// The n-th failing call: each call that can fail does so once in a life of the program, in every
// place where a short life makes it.
//
// Plain lives say how many calls of each kind there are; then n = 1, 2, 3, 4 and the others in an
// order that covers them evenly however early time is over. An attempt is one life of a start
// with data from before, a few events, reads and a stop, or a work of the operator between these;
// then a plain start and the checker (nth_life.hpp).
#pragma once

#include "tests/prove/section.hpp"

#include <string>

namespace tests::prove {

// Of a program on this log, until every n was tried or time is over. Prints for each kind
// nth_call=NAME calls=N tried=K came_to_pass=K all=true|false. A kind that plain lives never call
// fails, and so does one that was tried and never came to pass.
// Flags of the section: --call sync-EIO is only this kind; --life replay only lives with this work,
// "serve" only those with none; --nth 7 only the 7th of each.
void fail_every_call(Section& section, const std::string& log);

}  // namespace tests::prove
