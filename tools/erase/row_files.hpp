// Rows that are erased, out of the files of their store.
#pragma once

#include "tools/erase/erase_work.hpp"

namespace tools::erase {

// Call it once the rows are gone for whoever reads from now on. Waits for those who read since
// before, an export say: the files keep what they see. cancelled.
bus::Result<bus::Done> take_out_of_files(const ErasePorts& ports, bus::PartitionId partition,
                                         jobs::JobRun& run);

}  // namespace tools::erase
