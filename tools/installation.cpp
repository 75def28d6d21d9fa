#include "tools/installation.hpp"

#include "bus/durable_file.hpp"
#include "bus/durable_folder.hpp"
#include "bus/logging.hpp"
#include "bus/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tools {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// What a process left behind that died between writing a file beside and renaming it, or over a
// backup. The folder is locked, so nobody is about to. Other names may be the operator's.
constexpr std::array<std::string_view, 10> half_written = {
    "installation.new", "admin.key.new",    "master.key.new",     "retention.new", "clock-seen.new",
    "kafka-marks.new",  "backups.json.new", "migration.json.new", "demo.json.new", "backup.part"};

void remove_half_written(const fs::path& data) {
    for (const std::string_view name : half_written) {
        std::error_code failed;
        if (fs::remove_all(data / name, failed) > 0 && !failed)
            bus::logging::info("leftover_removed", {{"path", (data / name).string()}});
    }
}

std::string_view engine_of(const ServeOptions& options) {
    return std::string_view(options.log).substr(0, options.log.find(':'));
}

std::string text_of(const std::vector<bus::Position>& positions) {
    std::string text;
    for (const bus::Position& one : positions)
        text += (text.empty() ? "" : ",") + bus::to_base64url(bus::encode_checkpoint(one));
    return text;
}

std::string text_of(const Description& description) {
    std::string text = fmt::format("format={}\nengine={}\npartitions={}\n", installation_format,
                                   description.engine, description.partitions);
    if (!description.id.empty()) text += fmt::format("id={}\n", description.id);
    if (!description.log.empty()) text += fmt::format("log={}\n", description.log);
    if (!description.kafka_prefix.empty())
        text += fmt::format("kafka_prefix={}\n", description.kafka_prefix);
    if (description.erase_again) text += "erase_again=1\n";
    if (!description.copies_before.empty())
        text += fmt::format("copies_before={}\n", text_of(description.copies_before));
    return text;
}

bus::Result<std::vector<bus::Position>> parse_positions(std::string_view text) {
    std::vector<bus::Position> positions;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(','));
        const auto bytes = bus::from_base64(one);
        if (!bytes) return bytes.error();
        const auto position = bus::decode_checkpoint(*bytes);
        if (!position) return position.error();
        positions.push_back(*position);
        text.remove_prefix(std::min(text.size(), one.size() + 1));
    }
    return positions;
}

std::string description(const ServeOptions& options) {
    return text_of({.engine = std::string(engine_of(options)),
                    .partitions = options.partitions,
                    .id = new_installation_id()});
}

std::string value_of(std::string_view text, std::string_view name) {
    const std::string start = std::string(name) + "=";
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (line.starts_with(start)) return std::string(line.substr(start.size()));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return {};
}

bus::Result<bus::Done> check_description(const ServeOptions& options) {
    const fs::path file = options.data / "installation";
    const std::string text = read_file(file);
    if (text.empty()) return bus::write_durably(file, description(options));
    if (value_of(text, "format") != std::to_string(installation_format)) {
        return bus::fail(
            bus::ErrorCode::invalid_input,
            "{} has format version {}, this build reads {}; start the version that wrote it",
            options.data.string(), value_of(text, "format"), installation_format);
    }
    for (const std::string name : {"engine", "partitions"}) {
        const std::string stored = value_of(text, name),
                          wanted = value_of(description(options), name);
        if (stored != wanted) {
            return bus::fail(bus::ErrorCode::conflict,
                             "{} has {} {}, not {}; it is fixed at the first start, and the engine "
                             "changes by tributary migrate. Leave the flag out, use that value, or "
                             "another --data folder",
                             options.data.string(), name, stored, wanted);
        }
    }
    return bus::Done{};
}

bus::Result<std::string> load_or_create_admin_key(const fs::path& file) {
    if (std::string key{bus::trim(read_file(file))}; !key.empty()) return key;
    const std::string key = "adm_" + bus::crypto::random_token(32);
    if (auto written = bus::write_durably(file, key + "\n"); !written) return written.error();
    return key;
}

}  // namespace

bus::Result<Description> read_description(const fs::path& data) {
    const std::string text = read_file(data / "installation");
    Description found{.engine = value_of(text, "engine"),
                      .id = value_of(text, "id"),
                      .log = value_of(text, "log"),
                      .kafka_prefix = value_of(text, "kafka_prefix"),
                      .erase_again = value_of(text, "erase_again") == "1"};
    const std::string partitions = value_of(text, "partitions");
    std::from_chars(partitions.data(), partitions.data() + partitions.size(), found.partitions);
    if (found.engine.empty() || found.partitions == 0)
        return bus::fail(bus::ErrorCode::not_found,
                         "{} is no data folder: it has no installation file", data.string());
    auto before = parse_positions(value_of(text, "copies_before"));
    if (!before)
        return bus::fail(bus::ErrorCode::corrupt, "{}: copies_before: {}",
                         (data / "installation").string(), before.error().message);
    found.copies_before = *std::move(before);
    return found;
}

std::string new_installation_id() {
    return "ins_" + bus::crypto::random_token(12);
}

bus::Result<bus::Done> write_description(const fs::path& data, const Description& description) {
    if (auto made = bus::make_folder_durably(data); !made) return made;
    return bus::write_durably(data / "installation", text_of(description));
}

bus::Result<FolderLock> FolderLock::take(const fs::path& data) {
    const fs::path file = data / "lock";
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return bus::fail(bus::ErrorCode::unavailable, "{}: {}", file.string(),
                         std::strerror(errno));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        ::close(descriptor);
        return bus::fail(bus::ErrorCode::conflict,
                         "another process serves {}; stop it first, or use another --data folder",
                         data.string());
    }
    return FolderLock(descriptor);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}
FolderLock::~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

bus::Result<Installation> open_installation(const ServeOptions& options) {
    if (auto made = bus::make_folder_durably(options.data); !made) return made.error();
    ::chmod(options.data.c_str(), 0700);
    auto lock = FolderLock::take(options.data);
    if (!lock) return lock.error();
    remove_half_written(options.data);
    if (auto checked = check_description(options); !checked) return checked.error();
    auto master_key = bus::crypto::load_or_create_master_key(options.data / "master.key");
    if (!master_key) return master_key.error();
    auto admin_key = load_or_create_admin_key(options.data / "admin.key");
    if (!admin_key) return admin_key.error();
    return Installation{*std::move(lock), *master_key, *std::move(admin_key)};
}

}  // namespace tools
