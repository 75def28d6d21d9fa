// Where bytes of those who are erased lie besides the log and the live rows: stores that were set
// aside, exports that stayed in the data folder, backups.
#pragma once

#include "tools/erase/erase_work.hpp"

namespace tools::erase {

// Removes what this program made for itself: stores of the partition that were set aside, which
// the live rows have replaced. Call it once those are without what is erased. Done again it
// removes what is left. unavailable: one cannot be removed, which the message names.
bus::Result<bus::Done> remove_stores_set_aside(const ErasePorts& ports, ProofReport& report);

// The same for all exports of a client that were written into the data folder; waits for those
// that are being written. cancelled.
bus::Result<bus::Done> remove_exports(const ErasePorts& ports, bus::TenantId tenant,
                                      ProofReport& report, jobs::JobRun& run);

// Names what is there now: backups, stores set aside and exports.
bus::Result<bus::Done> note_copies(const ErasePorts& ports, bus::TenantId tenant,
                                   ProofReport& report);

}  // namespace tools::erase
