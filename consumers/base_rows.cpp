#include "consumers/base_rows.hpp"

#include "bus/existing_files.hpp"
#include "bus/text.hpp"
#include "consumers/open_base.hpp"
#include "schemas/type_topic.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

namespace consumers {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::store::RowStore;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t table_count = 4;
constexpr std::size_t seed_writes = 4'096;  // a commit

std::string first_line(bus::PartitionId partition) {
    return fmt::format("tributary base 1 partition {}", partition);
}

bus::Error unreadable(const fs::path& directory) {
    return bus::fail(ErrorCode::corrupt,
                     "{} cannot be read, or is of a later version: restore the folder 'bases' from "
                     "a backup",
                     (directory / base_note_name).string());
}

std::int64_t microseconds_of(bus::Timestamp time) {
    return time.time_since_epoch() / bus::microseconds{1};
}

std::optional<bus::Timestamp> parse_microseconds(std::string_view text) {
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return bus::Timestamp{bus::microseconds{count}};
}

std::optional<std::string> value_of(std::istream& lines, std::string_view name) {
    std::string line;
    if (!std::getline(lines, line) || !line.starts_with(name) || line.size() <= name.size())
        return std::nullopt;
    return line.substr(name.size() + 1);
}

Result<Base> read_base(const fs::path& directory, bus::PartitionId partition,
                       std::uint64_t number) {
    Base base{.directory = directory, .number = number, .position = {}, .catalogue = {}};
    std::ifstream note(directory / base_note_name);
    std::string line;
    if (!std::getline(note, line) || line != first_line(partition)) return unreadable(directory);
    const auto made = value_of(note, "made");
    const auto newest = value_of(note, "newest");
    const auto position = value_of(note, "position");
    if (!made || !newest || !position) return unreadable(directory);
    const auto made_at = parse_microseconds(*made);
    const auto newest_at = parse_microseconds(*newest);
    const auto bytes = bus::from_hex(*position);
    if (!made_at || !newest_at || !bytes) return unreadable(directory);
    auto checkpoint = bus::decode_checkpoint(*bytes);
    if (!checkpoint || checkpoint->partition != partition) return unreadable(directory);
    std::stringstream rest;
    rest << note.rdbuf();
    auto catalogue = GenerationCatalogue::parse(rest.str());
    if (!catalogue) return catalogue.error();
    base.made_at = *made_at;
    base.newest = *newest_at;
    base.position = *checkpoint;
    base.catalogue = *std::move(catalogue);
    return base;
}

// Whose rows in the base a generation begins with. Null: the base does not know its projection.
struct Sources {
    const StoredGeneration* of_all = nullptr;
    std::map<bus::TenantId, const StoredGeneration*> of_tenants;  // instead, for these
};

// The nearest that the base has of those that the tenant's rows in `name` went on from.
const StoredGeneration* source_of(const schemas::GenerationTable& table, const Base& base,
                                  schemas::GenerationName name, bus::TenantId tenant) {
    for (; name.number > 0; name.number = table.origin(name).of(tenant))
        if (const auto* held = base.catalogue.find(name)) return held;
    return nullptr;
}

// Facts decide this, not what is live today: a base begins with the same rows whenever it is used.
Sources sources_of(const schemas::GenerationTable& table, const Base& base,
                   const StoredGeneration& wanted) {
    Sources sources;
    if (const auto tenant = wanted.spec->tenant) {
        sources.of_tenants[*tenant] = source_of(table, base, wanted.name, *tenant);
        return sources;
    }
    for (schemas::GenerationName name = wanted.name; name.number > 0 && !sources.of_all;) {
        sources.of_all = base.catalogue.find(name);
        if (sources.of_all) break;
        const schemas::Origin origin = table.origin(name);
        for (const auto& [tenant, number] : origin.of_tenants)
            sources.of_tenants[tenant] = source_of(table, base, wanted.name, tenant);
        name.number = origin.of_all;
    }
    return sources;
}

const projections::Projection* find_projection(const ProjectorSetup& setup, std::string_view name) {
    const auto found = std::find_if(setup.projections.begin(), setup.projections.end(),
                                    [&](const auto* one) { return one->name() == name; });
    return found == setup.projections.end() ? nullptr : *found;
}

// Of the same measures, and of a version whose rows the projection goes on from.
bool goes_on_from(const projections::Projection& projection, std::string_view stored,
                  std::string_view wanted) {
    std::uint32_t version = 0;
    const auto [end, error] =
        std::from_chars(stored.data(), stored.data() + stored.size(), version);
    const auto measures_of = [](std::string_view fingerprint) {
        return fingerprint.substr(std::min(fingerprint.find('.'), fingerprint.size()));
    };
    return error == std::errc{} && projection.goes_on_from() <= version &&
           version <= projection.version() && measures_of(stored) == measures_of(wanted);
}

// Whether the base stands for records of a topic whose events the projection folds.
bool stands_for_records_of(const Base& base, const projections::Projection& projection) {
    const auto prefixes = projection.type_prefixes();
    return prefixes.empty() ||
           std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
               return base.position[schemas::topic_of_type(prefix)] > 0;
           });
}

// What check_seed() promises, of one generation and what it begins with.
class SeedCheck {
public:
    SeedCheck(const ProjectorSetup& setup, const Base& base,
              const projections::store::Snapshot& rows)
        : setup_(setup), base_(base), rows_(rows) {}

    Result<Done> check(const StoredGeneration& wanted, const Sources& sources) const {
        if (!wanted.spec->tenant)
            if (auto may = check(wanted, sources.of_all); !may) return may;
        for (const auto& [tenant, source] : sources.of_tenants)
            if (auto may = check(wanted, source); !may) return may;
        return Done{};
    }

private:
    Result<Done> check(const StoredGeneration& wanted, const StoredGeneration* source) const {
        const std::string& projection = wanted.name.projection;
        if (!source && base_.catalogue.knows(projection))
            return bus::fail(ErrorCode::conflict,
                             "{} has no rows that generation {} of {} goes on from: it is of other "
                             "facts than .control holds",
                             base_.directory.string(), wanted.name.number, projection);
        if (!source || source->fingerprint == wanted.fingerprint) return Done{};
        const projections::Projection* folds = find_projection(setup_, projection);
        if (folds && goes_on_from(*folds, source->fingerprint, wanted.fingerprint)) return Done{};
        if (folds && !stands_for_records_of(base_, *folds)) {
            const bool has_some = has_rows(rows_, instance_prefix(source->instance));
            if (rows_.failure()) return *rows_.failure();
            if (!has_some) return Done{};
        }
        return bus::fail(ErrorCode::conflict,
                         "the rows of {} in {} were made by other code, and the records behind "
                         "them have expired: they cannot be made anew. Start the program that made "
                         "them, or this one with --on-change keep",
                         projection, base_.directory.string());
    }

    const ProjectorSetup& setup_;
    const Base& base_;
    const projections::store::Snapshot& rows_;
};

Result<Done> check_seed(const ProjectorSetup& setup, const Base& base,
                        const std::vector<StoredGeneration>& wanted,
                        const projections::store::Snapshot& rows) {
    const auto generations = setup.registry.generations();
    const SeedCheck checks(setup, base, rows);
    for (const StoredGeneration& one : wanted)
        if (auto may = checks.check(one, sources_of(*generations, base, one)); !may) return may;
    return Done{};
}

// The base as it is serves when it has each of them, of the same code, under the same instance.
bool fits(const Base& base, const std::vector<StoredGeneration>& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const StoredGeneration& one) {
        const StoredGeneration* own = base.catalogue.find(one.name);
        return own && own->instance == one.instance && own->fingerprint == one.fingerprint;
    });
}

// What the base has beyond them would be in the way of later generations.
Result<Done> erase_others(const Base& base, const std::vector<StoredGeneration>& wanted,
                          RowStore& rows) {
    for (const StoredGeneration& one : base.catalogue.all()) {
        const bool stays = one.name.projection == dedup_name ||
                           std::any_of(wanted.begin(), wanted.end(),
                                       [&](const auto& w) { return w.instance == one.instance; });
        if (stays) continue;
        if (auto erased = rows.erase_prefix(instance_prefix(one.instance)); !erased) return erased;
    }
    return Done{};
}

// Commits rows in portions; the position stays where it is.
class Portions {
public:
    explicit Portions(RowStore& into) : into_(into) {}

    Result<Done> add(std::uint8_t table, std::string key, std::string_view value) {
        rows_.push_back({table, std::move(key), std::string(value)});
        return rows_.size() < seed_writes ? Done{} : flush();
    }
    Result<Done> flush() {
        std::vector<projections::store::StoreWrite> writes;
        writes.reserve(rows_.size());
        for (const Row& row : rows_) writes.push_back({row.table, row.key, row.value});
        auto committed = into_.commit(writes, into_.checkpoint());
        rows_.clear();
        return committed;
    }

private:
    struct Row {
        std::uint8_t table;
        std::string key, value;
    };
    RowStore& into_;
    std::vector<Row> rows_;
};

// A base may be older than the decision to erase a client.
class CopiedTenants {
public:
    explicit CopiedTenants(const schemas::Registry& registry) : registry_(registry) {}
    bool contain(bus::TenantId tenant) {  // asked in the order of keys
        if (last_ != tenant) is_copied_ = !schemas::TenantErasures(registry_, tenant).all();
        last_ = tenant;
        return is_copied_;
    }

private:
    const schemas::Registry& registry_;
    std::optional<bus::TenantId> last_;
    bool is_copied_ = false;
};

// What stands under `scope`, a prefix of keys of `source`, comes under the instance of `wanted`.
Result<Done> copy_rows(const projections::store::Snapshot& from, const StoredGeneration& source,
                       const std::string& scope, const Sources& apart,
                       const StoredGeneration& wanted, CopiedTenants& tenants, Portions& into) {
    const std::size_t old_prefix = instance_prefix(source.instance).size();
    const std::string new_prefix = instance_prefix(wanted.instance);
    for (std::uint8_t table = 0; table < table_count; ++table) {
        Result<Done> added = Done{};
        from.scan(table, scope, projections::prefix_end(scope), false,
                  [&](std::string_view key, std::string_view value) {
                      const bus::TenantId tenant = projections::tenant_of(key);
                      if (apart.of_tenants.contains(tenant) || !tenants.contain(tenant))
                          return true;
                      added =
                          into.add(table, new_prefix + std::string(key.substr(old_prefix)), value);
                      return bool(added);
                  });
        if (!added) return added;
    }
    if (from.failure()) return *from.failure();
    return Done{};
}

Result<Done> copy_sources(const projections::store::Snapshot& from, const Sources& sources,
                          const StoredGeneration& wanted, CopiedTenants& tenants, Portions& into) {
    if (const StoredGeneration* of_all = sources.of_all)
        if (auto copied = copy_rows(from, *of_all, instance_prefix(of_all->instance), sources,
                                    wanted, tenants, into);
            !copied)
            return copied;
    for (const auto& [tenant, source] : sources.of_tenants) {
        if (!source) continue;
        const std::string scope = projections::complete_key(source->instance, tenant, "");
        if (auto copied = copy_rows(from, *source, scope, {}, wanted, tenants, into); !copied)
            return copied;
    }
    return Done{};
}

}  // namespace

std::string base_note(const Base& base) {
    return fmt::format("{}\nmade {}\nnewest {}\nposition {}\n{}",
                       first_line(base.position.partition), microseconds_of(base.made_at),
                       microseconds_of(base.newest),
                       bus::to_hex(bus::encode_checkpoint(base.position)), base.catalogue.text());
}

std::string base_name(bus::PartitionId partition, std::uint64_t number) {
    return fmt::format("partition-{}-{}", partition, number);
}

std::optional<BaseName> parse_base_name(std::string_view name) {
    constexpr std::string_view front = "partition-";
    if (!name.starts_with(front)) return std::nullopt;
    BaseName parsed;
    const char* const end = name.data() + name.size();
    const auto partition = std::from_chars(name.data() + front.size(), end, parsed.partition);
    if (partition.ec != std::errc{} || partition.ptr == end) return std::nullopt;
    const auto number = std::from_chars(partition.ptr + 1, end, parsed.number);
    if (number.ec != std::errc{} || base_name(parsed.partition, parsed.number) != name)
        return std::nullopt;
    return parsed;
}

Result<std::optional<Base>> find_base(const ProjectorSetup& setup, bus::PartitionId partition) {
    return find_base(setup.bases, partition);
}

Result<std::optional<Base>> find_base(const fs::path& bases, bus::PartitionId partition) {
    if (bases.empty()) return std::optional<Base>{};
    const auto entries = bus::entries_of(bases);
    if (!entries) return entries.error();
    std::optional<std::uint64_t> newest;
    for (const fs::path& entry : *entries)
        if (const auto name = parse_base_name(entry.filename().string()))
            if (name->partition == partition) newest = std::max(newest.value_or(0), name->number);
    if (!newest) return std::optional<Base>{};
    auto base = read_base(bases / base_name(partition, *newest), partition, *newest);
    if (!base) return base.error();
    return std::optional(*std::move(base));
}

Result<std::vector<fs::path>> older_bases(const fs::path& bases, bus::PartitionId partition,
                                          std::uint64_t number) {
    const auto entries = bus::entries_of(bases);
    if (!entries) return entries.error();
    std::vector<fs::path> older;
    for (const fs::path& entry : *entries) {
        const bool is_dropped = entry.extension() == dropped_base_extension;
        const auto name = parse_base_name((is_dropped ? entry.stem() : entry.filename()).string());
        if (name && name->partition == partition && name->number < number) older.push_back(entry);
    }
    return older;
}

std::string to_string(const Base& base) {
    return fmt::format("a base of {}, position {}", bus::to_iso(base.made_at),
                       bus::to_token(base.position));
}

bool is_past(const bus::Position& position, const Base& base) {
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
        if (position.next[i] < base.position.next[i]) return false;
    return true;
}

bool has_rows(const projections::store::Snapshot& rows, const std::string& prefix) {
    bool found = false;
    for (std::uint8_t table = 0; !found && table < table_count; ++table)
        rows.scan(table, prefix, projections::prefix_end(prefix), false,
                  [&](std::string_view, std::string_view) {
                      found = true;
                      return false;
                  });
    return found;
}

Result<Done> copy_base(const Base& base, const fs::path& directory) {
    std::error_code failed;
    fs::create_directories(directory, failed);
    for (fs::recursive_directory_iterator at(base.directory, failed), end; !failed && at != end;
         at.increment(failed)) {
        const fs::path to = directory / at->path().lexically_relative(base.directory);
        if (at->is_directory()) {
            fs::create_directories(to, failed);
        } else if (at->path().filename() == base_note_name) {
            continue;
        } else if (at->path().extension() == ".sst") {  // never written again
            fs::create_hard_link(at->path(), to, failed);
        } else {
            fs::copy_file(at->path(), to, failed);
        }
    }
    if (failed)
        return bus::fail(ErrorCode::unavailable, "copy {} to {}: {}", base.directory.string(),
                         directory.string(), failed.message());
    // A newer one may have taken its place, and some of its files were gone when they were looked
    // for.
    if (!fs::exists(base.directory / base_note_name, failed))
        return bus::fail(ErrorCode::unavailable, "{} went while it was copied",
                         base.directory.string());
    return Done{};
}

Result<Done> check_seed(const ProjectorSetup& setup, const Base& base,
                        const std::vector<StoredGeneration>& wanted) {
    const auto opened = OpenBase::open(setup, base);
    if (!opened) return opened.error();
    return check_seed(setup, base, wanted, *opened->snapshot());
}

Result<Done> seed_from_base(const ProjectorSetup& setup, const Base& base,
                            const std::vector<StoredGeneration>& wanted, RowStore& into) {
    const auto opened = OpenBase::open(setup, base);
    if (!opened) return opened.error();
    const auto rows = opened->snapshot();
    if (auto may = check_seed(setup, base, wanted, *rows); !may) return may;
    const auto generations = setup.registry.generations();
    Portions portions(into);
    CopiedTenants tenants(setup.registry);
    for (const StoredGeneration& one : wanted)
        if (auto copied =
                copy_sources(*rows, sources_of(*generations, base, one), one, tenants, portions);
            !copied)
            return copied;
    if (auto flushed = portions.flush(); !flushed) return flushed;
    return into.commit({}, base.position);
}

Result<std::unique_ptr<RowStore>> begin_with_base(const ProjectorSetup& setup, const Base& base,
                                                  const std::vector<StoredGeneration>& wanted,
                                                  const projections::store::StoreOptions& options) {
    if (!fits(base, wanted)) {
        auto rows = RowStore::open(options, setup.shared);
        if (!rows) return rows;
        if (auto seeded = seed_from_base(setup, base, wanted, **rows); !seeded)
            return seeded.error();
        return rows;
    }
    if (auto copied = copy_base(base, options.directory); !copied) return copied.error();
    auto rows = RowStore::open(options, setup.shared);
    if (!rows) return rows;
    if (auto erased = erase_others(base, wanted, **rows); !erased) return erased.error();
    return rows;
}

}  // namespace consumers
