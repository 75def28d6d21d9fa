#include "tools/installation.hpp"

#include "bus/durable_file.hpp"
#include "bus/durable_folder.hpp"
#include "bus/logging.hpp"
#include "bus/text.hpp"
#include "tools/folder_owner.hpp"
#include "tools/running_instance.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

namespace tools {
namespace {

namespace fs = std::filesystem;

// What an installation makes behind its description.
constexpr std::array<std::string_view, 4> made_later = {"journal", "stores", "spool",
                                                        "kafka-marks"};

bus::Result<bus::Done> must_be_new(const fs::path& data) {
    for (const std::string_view name : made_later) {
        std::error_code failed;
        const bool is_there = fs::exists(data / name, failed) &&
                              !fs::is_empty(data / name, failed);  // a place made for it
        if (!is_there && !failed) continue;
        return bus::fail(
            bus::ErrorCode::conflict,
            "{} holds {} but no installation file, which tells the log it goes on with: put that "
            "file back, from a backup or as tools/installation.hpp describes it; for a new "
            "installation name another --data folder",
            data.string(), name);
    }
    return bus::Done{};
}

// What a process left behind that died between writing a file beside and renaming it, or over a
// backup. The folder is locked, so nobody is about to. Other names may be the operator's.
constexpr std::array<std::string_view, 11> half_written = {
    "installation.new",   "admin.key.new",   "master.key.new",       "retention.new",
    "clock-seen.new",     "kafka-marks.new", "kafka-marks-read.new", "backups.json.new",
    "migration.json.new", "demo.json.new",   "backup.part"};

void remove_half_written(const fs::path& data) {
    for (const std::string_view name : half_written) {
        std::error_code failed;
        if (fs::remove_all(data / name, failed) > 0 && !failed)
            bus::logging::info("leftover_removed", {{"path", (data / name).string()}});
    }
}

fs::path lock_file(const fs::path& data) {
    return data / "lock";
}

// Who looks whether it is held has it for a moment.
constexpr int lock_tries = 10;
constexpr std::chrono::milliseconds lock_pause{10};

bool lock_soon(int descriptor) {
    for (int tries = 1; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (tries == lock_tries) return false;
        std::this_thread::sleep_for(lock_pause);
    }
    return true;
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

bus::Result<bus::Done> describe(const ServeOptions& options) {
    if (auto fresh = must_be_new(options.data); !fresh) return fresh;
    return write_description(options.data, {.engine = std::string(engine_of(options)),
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

bus::Result<bus::Done> must_stay(const fs::path& data, std::string_view name,
                                 std::string_view stored, std::string_view wanted) {
    if (stored == wanted) return bus::Done{};
    return bus::fail(bus::ErrorCode::conflict,
                     "{} has {} {}, not {}; it is fixed at the first start, and the engine "
                     "changes by tributary migrate. Leave the flag out, use that value, or "
                     "another --data folder",
                     data.string(), name, stored, wanted);
}

bus::Result<bus::Done> check_description(const ServeOptions& options) {
    const auto stored = read_description(options.data);
    if (!stored && stored.error().code == bus::ErrorCode::not_found) return describe(options);
    if (!stored) return stored.error();
    if (auto same = must_stay(options.data, "engine", stored->engine, engine_of(options)); !same)
        return same;
    return must_stay(options.data, "partitions", std::to_string(stored->partitions),
                     std::to_string(options.partitions));
}

bus::Result<std::string> load_or_create_admin_key(const fs::path& file) {
    const auto kept = read_kept(file);
    if (!kept && kept.error().code != bus::ErrorCode::not_found) return kept.error();
    if (kept && bus::trim(*kept).empty())
        return bus::fail(bus::ErrorCode::corrupt,
                         "{} is empty: put it back, or remove it for a new one", file.string());
    if (kept) return std::string(bus::trim(*kept));
    const std::string key = "adm_" + bus::crypto::random_token(32);
    if (auto written = bus::write_durably(file, key + "\n"); !written) return written.error();
    return key;
}

}  // namespace

bus::Result<Description> read_description(const fs::path& data) {
    const auto kept = read_kept(data / "installation");
    if (!kept && kept.error().code == bus::ErrorCode::not_found)
        return bus::fail(bus::ErrorCode::not_found,
                         "{} is no data folder: it has no installation file", data.string());
    if (!kept) return kept.error();
    const std::string& text = *kept;
    const std::string format = value_of(text, "format");
    if (!format.empty() && format != std::to_string(installation_format))
        return bus::fail(
            bus::ErrorCode::invalid_input,
            "{} has format version {}, this build reads {}; start the version that wrote it",
            data.string(), format, installation_format);
    Description found{.engine = value_of(text, "engine"),
                      .id = value_of(text, "id"),
                      .log = value_of(text, "log"),
                      .kafka_prefix = value_of(text, "kafka_prefix"),
                      .erase_again = value_of(text, "erase_again") == "1"};
    const std::string partitions = value_of(text, "partitions");
    std::from_chars(partitions.data(), partitions.data() + partitions.size(), found.partitions);
    if (format.empty() || found.engine.empty() || found.partitions == 0)
        return bus::fail(bus::ErrorCode::corrupt,
                         "{} is damaged: it has no format, engine or partitions; put it back from "
                         "a backup",
                         (data / "installation").string());
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
    const fs::path file = lock_file(data);
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return bus::fail(bus::ErrorCode::unavailable, "{}: {}{}", file.string(),
                         std::strerror(errno), missing_right(file));
    if (!lock_soon(descriptor)) {
        ::close(descriptor);
        return bus::fail(bus::ErrorCode::conflict,
                         "another process serves {}; stop it first, or use another --data folder",
                         data.string());
    }
    remove_serving_note(data);  // of one that was killed
    return FolderLock(descriptor, data);
}

bool FolderLock::is_held(const fs::path& data) {
    const int descriptor = ::open(lock_file(data).c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0;
    ::close(descriptor);
    return held;
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), data_(std::move(other.data_)) {}
FolderLock::~FolderLock() {
    if (descriptor_ < 0) return;
    give_to_owner_of(data_, data_);
    ::close(descriptor_);
}

bus::Result<Installation> open_installation(const ServeOptions& options) {
    if (auto made = bus::make_folder_durably(options.data); !made) return made.error();
    ::chmod(options.data.c_str(), 0700);
    auto lock = FolderLock::take(options.data);
    if (!lock) return lock.error();
    remove_half_written(options.data);
    if (auto checked = check_description(options); !checked) return checked.error();
    auto master_key = bus::crypto::load_or_create_master_key(options.data / "master.key");
    if (!master_key)
        return bus::fail(master_key.error().code, "{}{}", master_key.error().message,
                         missing_right(options.data / "master.key"));
    auto admin_key = load_or_create_admin_key(options.data / "admin.key");
    if (!admin_key) return admin_key.error();
    return Installation{*std::move(lock), *master_key, *std::move(admin_key)};
}

}  // namespace tools
