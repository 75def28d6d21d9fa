// Files that an operator hands in: settings, properties of Kafka, the manifest of a backup. Each is
// read or refused, and a manifest that was read and written again is read as the same.
#include "tools/backup/backup_manifest.hpp"
#include "tools/options.hpp"
#include "tools/yaml_settings.hpp"

#include <CLI/Error.hpp>

#include <cstdlib>
#include <sstream>

#include <sys/mman.h>
#include <unistd.h>

namespace {

void read_manifest(std::string_view text) {
    const auto manifest = tools::backup::parse_manifest(text);
    if (!manifest) return;
    const std::string written = tools::backup::to_json(*manifest);
    const auto again = tools::backup::parse_manifest(written);
    if (!again || tools::backup::to_json(*again) != written) std::abort();
}

void read_settings(const std::string& text) {
    std::istringstream input(text);
    try {
        (void)tools::YamlSettings{}.from_config(input);
    } catch (const CLI::Error&) {  // how it refuses
    }
}

// A file without a folder: the reader wants a path.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view text) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        if (::write(descriptor_, text.data(), text.size()) < 0) std::abort();
    }
    ~MemoryFile() { ::close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
    int descriptor_;
};

void read_properties(std::string_view text) {
    const MemoryFile file(text);
    const auto properties = tools::parse_properties({}, file.path());
    if (!properties) return;
    // What comes from a file can be said by flags, in any order.
    std::vector<std::string> flags;
    for (const auto& [name, value] : *properties) flags.push_back(name + "=" + value);
    const auto again = tools::parse_properties(flags, {});
    if (!again || *again != *properties) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    read_manifest(text);
    read_settings(text);
    read_properties(text);
    return 0;
}
