#include "projections/store/store_format.hpp"

#include "bus/durable_file.hpp"
#include "bus/durable_folder.hpp"
#include "bus/existing_files.hpp"

#include <fstream>

namespace projections::store {

namespace {

namespace fs = std::filesystem;
using bus::ErrorCode;

constexpr int quarantined_max = 10'000;
constexpr std::size_t format_line_bytes_max = 100;

fs::path format_file(const fs::path& directory) {
    return directory / "format";
}

std::string format_line(std::uint32_t version, bus::PartitionId partition) {
    return fmt::format("tributary store {} partition {}\n", version, partition);
}

bus::Result<bus::Done> create(const fs::path& directory, bus::PartitionId partition) {
    auto made = bus::make_folder_durably(directory);
    if (made)
        made = bus::write_durably(format_file(directory), format_line(format_version, partition));
    if (!made)
        return bus::fail(ErrorCode::unavailable, "create store {}: {}", directory.string(),
                         made.error().message);
    return made;
}

bus::Result<bus::Done> check(const fs::path& directory, bus::PartitionId partition) {
    std::ifstream file(format_file(directory), std::ios::binary);
    std::string line(format_line_bytes_max, '\0');
    file.read(line.data(), static_cast<std::streamsize>(line.size()));
    line.resize(static_cast<std::size_t>(file.gcount()));

    unsigned version = 0, owner = 0;
    if (std::sscanf(line.c_str(), "tributary store %u partition %u", &version, &owner) != 2)
        return bus::fail(ErrorCode::corrupt, "store {}: its format file is not readable",
                         directory.string());
    if (version != format_version)
        return bus::fail(ErrorCode::invalid_input,
                         "store {} has format {}, this program reads format {}: start the program "
                         "that wrote it, or move the folder away to have it rebuilt from the log",
                         directory.string(), version, format_version);
    if (owner != partition)
        return bus::fail(ErrorCode::invalid_input, "store {} holds partition {}, not {}",
                         directory.string(), owner, partition);
    return bus::Done{};
}

}  // namespace

fs::path rows_directory(const fs::path& directory) {
    return directory / "rows";
}

bus::Result<bus::Done> prepare_directory(const fs::path& directory, bus::PartitionId partition) {
    const auto is_known = bus::is_there(format_file(directory));
    if (!is_known) return is_known.error();
    if (*is_known) return check(directory, partition);
    const auto has_rows = bus::is_there(rows_directory(directory));
    if (!has_rows) return has_rows.error();
    if (*has_rows)
        return bus::fail(ErrorCode::corrupt, "store {}: its format file is missing",
                         directory.string());
    return create(directory, partition);
}

bus::Result<fs::path> quarantine(const fs::path& directory) {
    std::error_code error;
    for (int n = 1; n <= quarantined_max; ++n) {
        const fs::path target = fmt::format("{}{}{}", directory.string(), quarantined_infix, n);
        if (fs::exists(target, error)) continue;
        fs::rename(directory, target, error);
        if (error) break;
        return target;
    }
    return bus::fail(ErrorCode::unavailable, "set store {} aside: {}", directory.string(),
                     error ? error.message() : "too many are set aside already");
}

}  // namespace projections::store
