// A folder that one piece of work of this process at a time makes, fills and removes.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <utility>

namespace consumers {

// Threads: any.
class ScratchFolder {
public:
    // It is not touched. conflict: other work has it; it is free when that has ended.
    static bus::Result<ScratchFolder> take(std::filesystem::path folder);

    ScratchFolder(ScratchFolder&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
    ScratchFolder& operator=(ScratchFolder&&) = delete;
    ~ScratchFolder();

private:
    explicit ScratchFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;  // empty: given away
};

}  // namespace consumers
