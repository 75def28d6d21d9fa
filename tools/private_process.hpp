// What a process that holds keys and customers' data keeps to itself, whatever started it.
#pragma once

namespace tools {

// From now on every file and folder made is the owner's alone (backups, exports and stores hold
// customers' data), and nobody gets the memory: no core file, no reading through /proc or ptrace
// by the same user. Call before any thread starts.
void keep_private();

}  // namespace tools
