#include "projections/store/row_store.hpp"

#include "projections/store/compaction_hold.hpp"
#include "projections/store/rocks_options.hpp"
#include "projections/store/store_check.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

using namespace projections::store;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path;
    Folder() {
        std::string name = "/tmp/store_test_XXXXXX";
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
};

StoreOptions options_in(const Folder& folder) {
    return {.directory = folder.path / "partition-3", .partition = 3};
}

bus::Result<std::unique_ptr<RowStore>> open(const Folder& folder) {
    return RowStore::open(options_in(folder), make_shared_resources(8 << 20, 64 << 20));
}

bus::Position at(bus::Offset offset) {
    bus::Position position{.partition = 3};
    position[bus::Topic::chat] = offset;
    return position;
}

void put(RowStore& store, std::string_view key, std::string_view value, bus::Offset offset) {
    REQUIRE(store.commit({{.table = 0, .key = key, .value = value}}, at(offset)));
}

std::vector<std::string> keys(const RowStore& store, std::string_view from, std::string_view to,
                              bool descending) {
    std::vector<std::string> found;
    store.snapshot()->scan(0, from, to, descending, [&](std::string_view key, std::string_view) {
        found.emplace_back(key);
        return found.size() < 3;
    });
    return found;
}

fs::path biggest_table_file(const Folder& folder) {
    fs::path biggest;
    for (const auto& file : fs::recursive_directory_iterator(folder.path))
        if (file.path().extension() == ".sst" &&
            (biggest.empty() || file.file_size() > fs::file_size(biggest)))
            biggest = file.path();
    REQUIRE_FALSE(biggest.empty());
    return biggest;
}

void flip_byte(const fs::path& path, std::streamoff offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const char flipped = static_cast<char>(file.get() ^ 0x20);
    file.seekp(offset);
    file.put(flipped);
}

std::string row_key(int i) {
    return fmt::format("row-{:06}", i);
}

std::string row_value(int i) {
    std::mt19937 random(static_cast<unsigned>(i));
    std::string value(200, ' ');
    for (char& c : value) c = static_cast<char>(random());
    return value;
}

constexpr int row_count = 5'000;

// All rows in one table file, nothing left to compact.
void fill(const Folder& folder) {
    auto store = open(folder);
    REQUIRE(store);
    for (int i = 0; i < row_count; ++i)
        put(**store, row_key(i), row_value(i), static_cast<bus::Offset>(i));
    REQUIRE((*store)->erase_prefix("no row has"));
}

// Every row that is shown is as it was written; the damage stops the reader or the opening.
void check_damage_is_noticed(const Folder& folder) {
    auto store = open(folder);
    if (!store) {
        CHECK(store.error().code == bus::ErrorCode::corrupt);
        return;
    }
    auto snapshot = (*store)->snapshot();
    int row = 0;
    snapshot->scan(0, "row", "", false, [&](std::string_view key, std::string_view value) {
        CHECK(key == row_key(row));
        CHECK(value == row_value(row));
        ++row;
        return true;
    });
    CHECK(row < row_count);
    CHECK(snapshot->failure().has_value());
    REQUIRE((*store)->damage());
    CHECK((*store)->damage()->code == bus::ErrorCode::corrupt);
    const auto one_by_one = (*store)->snapshot();
    std::vector<std::string> all;
    for (int i = 0; i < row_count; ++i) all.push_back(row_key(i));
    std::size_t seen = 0;
    one_by_one->get_each(0, all, [&](std::size_t place, std::string_view value) {
        CHECK(value == row_value(static_cast<int>(place)));
        ++seen;
    });
    CHECK(seen < all.size());
    CHECK(one_by_one->failure().has_value());
}

}  // namespace

TEST_CASE("store: rows, checkpoint and meta are there after reopening") {
    Folder folder;
    {
        auto store = open(folder);
        REQUIRE(store);
        CHECK((*store)->checkpoint() == at(0));
        put(**store, "a", "1", 5);
        REQUIRE((*store)->put_meta("instances", "{}"));
    }
    auto store = open(folder);
    REQUIRE(store);
    CHECK((*store)->checkpoint() == at(5));
    CHECK((*store)->get(0, "a").value() == "1");
    CHECK_FALSE((*store)->get(1, "a").value());
    CHECK((*store)->get_meta("instances").value() == "{}");
    CHECK_FALSE((*store)->get_meta("checkpoint").value());
}

TEST_CASE("store: a snapshot keeps rows and checkpoint of its moment, beyond the store") {
    Folder folder;
    auto store = open(folder);
    REQUIRE(store);
    put(**store, "a", "old", 1);
    auto before = (*store)->snapshot();
    REQUIRE((*store)->commit(
        {{.table = 0, .key = "a", .value = "new"}, {.table = 2, .key = "i", .value = ""}}, at(2)));
    CHECK((*store)->snapshot()->checkpoint() == at(2));
    CHECK((*store)->snapshot()->get(2, "i") == "");
    store->reset();
    CHECK(before->get(0, "a") == "old");
    CHECK_FALSE(before->get(2, "i"));
    CHECK(before->checkpoint() == at(1));
    CHECK_FALSE(before->failure());
}

TEST_CASE("store: it is told whether somebody still sees what was replaced") {
    const Folder folder;
    auto store = open(folder);
    REQUIRE(store);
    const auto upkeep = (*store)->upkeep();
    put(**store, "a", "old", 1);
    auto before = (*store)->snapshot();
    put(**store, "a", "new", 2);
    const std::uint64_t replaced = upkeep->sequence();
    CHECK(upkeep->is_read_before(replaced));
    const auto after = (*store)->snapshot();
    before.reset();
    CHECK_FALSE(upkeep->is_read_before(replaced));
}

TEST_CASE("store: many keys at once, as one by one, of one moment") {
    const Folder folder;
    auto store = open(folder);
    REQUIRE(store);
    for (int i = 0; i < 100; i += 2) put(**store, row_key(i), row_value(i), 1);
    REQUIRE((*store)->flush());  // some in a file, some in memory
    for (int i = 50; i < 200; i += 2) put(**store, row_key(i), row_value(i + 1), 2);
    const auto snapshot = (*store)->snapshot();
    put(**store, row_key(4), "later", 3);
    std::vector<std::string> wanted;
    for (int i = 210; i >= 0; --i) wanted.push_back(row_key(i));
    wanted.push_back(row_key(4));  // asked for twice
    std::vector<std::optional<std::string>> found(wanted.size());
    std::size_t last = 0;
    snapshot->get_each(0, wanted, [&](std::size_t place, std::string_view value) {
        CHECK(place >= last);
        last = place;
        found[place] = value;
    });
    for (std::size_t place = 0; place < wanted.size(); ++place)
        CHECK(found[place] == snapshot->get(0, wanted[place]));
    CHECK(found.back() == row_value(4));
    CHECK_FALSE(snapshot->failure());
}

TEST_CASE("store: scans stay inside their bounds, both ways") {
    Folder folder;
    auto store = open(folder);
    REQUIRE(store);
    for (const char* key : {"a", "b1", "b2", "b3", "b4", "c"}) put(**store, key, "", 1);
    using Keys = std::vector<std::string>;
    CHECK(keys(**store, "b", "c", false) == Keys{"b1", "b2", "b3"});
    CHECK(keys(**store, "b", "c", true) == Keys{"b4", "b3", "b2"});
    CHECK(keys(**store, "b2", "b4", true) == Keys{"b3", "b2"});
    CHECK(keys(**store, "b4", "", false) == Keys{"b4", "c"});
    CHECK(keys(**store, "c", "b", false).empty());
}

TEST_CASE("store: while compactions are held it takes, flushes and gives rows, then is as before") {
    Folder folder;
    const auto shared = make_shared_resources(8 << 20, 64 << 20);
    const auto pace = shared->rate_limiter->GetBytesPerSecond();
    {
        const CompactionHold hold(shared);
        CHECK(shared->rate_limiter->GetBytesPerSecond() < pace);
        const auto store = RowStore::open(options_in(folder), shared);
        REQUIRE(store);
        put(**store, "a", "1", 1);
        CHECK((*store)->flush());
        CHECK((*store)->get(0, "a")->value_or("") == "1");
    }
    CHECK(shared->rate_limiter->GetBytesPerSecond() == pace);
}

// The files that a store's rows went to by themselves.
std::size_t row_files(const RowStore& store) {
    const std::string figures = store.statistics();
    const std::string_view name = "rows_level0_files=";
    return std::stoul(figures.substr(figures.find(name) + name.size()));
}

TEST_CASE("store: when memory is used up the fullest store empties itself, whoever wrote last") {
    Folder folder;
    const auto shared = make_shared_resources(8 << 20, 24 << 20);
    const auto full = RowStore::open(options_in(folder), shared);
    const auto other =
        RowStore::open({.directory = folder.path / "partition-4", .partition = 4}, shared);
    REQUIRE(full);
    REQUIRE(other);
    const std::string value(1 << 20, 'x');
    for (int i = 0; i < 14; ++i) put(**full, row_key(i), value, 1);
    const bus::Position position{.partition = 4};
    for (int i = 0; i < 9; ++i)
        REQUIRE((*other)->commit({{.table = 0, .key = row_key(i), .value = value}}, position));
    put(**full, row_key(14), value, 2);
    REQUIRE((*full)->flush());  // of what came after, once all flushes before it are done
    CHECK(row_files(**full) == 2);
    CHECK(row_files(**other) == 0);
    CHECK((*full)->get(0, row_key(3))->value_or("") == value);
}

TEST_CASE("store: erasing a prefix takes its keys in every table, and no other") {
    Folder folder;
    auto store = open(folder);
    REQUIRE(store);
    for (std::uint8_t table = 0; table < 4; ++table)
        REQUIRE((*store)->commit({{table, "a", ""}, {table, "b1", ""}, {table, "b2", ""}}, at(1)));
    REQUIRE((*store)->erase_prefix("b"));
    for (std::uint8_t table = 0; table < 4; ++table) {
        CHECK((*store)->get(table, "a").value());
        CHECK_FALSE((*store)->get(table, "b1").value());
        CHECK_FALSE((*store)->get(table, "b2").value());
    }
    CHECK((*store)->checkpoint() == at(1));
}

TEST_CASE("store: ranges erased between batches take nothing that is written around them") {
    Folder folder;
    std::map<std::string, std::string> model;
    std::mt19937 random(7);
    const auto check = [&](const RowStore& store) {
        std::map<std::string, std::string> found;
        store.snapshot()->scan(0, "", "~", false,
                               [&](std::string_view key, std::string_view value) {
                                   found.emplace(key, value);
                                   return true;
                               });
        CHECK(found == model);
        for (const auto& [key, value] : model)
            CHECK(store.snapshot()->get(0, key).value_or("") == value);
    };
    {
        auto store = open(folder);
        REQUIRE(store);
        for (bus::Offset round = 1; round <= 40; ++round) {
            std::map<std::string, std::string> batch;
            for (int i = 0; i < 50; ++i)
                batch[fmt::format("{:02}-of-a-tenant-{:05}", random() % 20, random() % 10'000)] =
                    std::to_string(random());
            std::vector<StoreWrite> writes;
            for (const auto& [key, value] : batch) {
                writes.push_back({.table = 0, .key = key, .value = value});
                model[key] = value;
            }
            REQUIRE((*store)->commit(writes, at(round)));
            const std::string erased = fmt::format("{:02}-", random() % 20);
            REQUIRE((*store)->erase_prefix(erased));
            std::erase_if(model, [&](const auto& row) { return row.first.starts_with(erased); });
        }
        check(**store);
    }
    auto again = open(folder);
    REQUIRE(again);
    check(**again);
}

TEST_CASE("store: one that nobody can look at is not taken for one that is not there") {
    const Folder folder;
    const fs::path store = folder.path / "partition-3";
    const auto code = [&] { return check_store(store, 3, false).error().code; };
    CHECK(code() == bus::ErrorCode::not_found);
    fs::create_symlink(store, store);
    CHECK(code() == bus::ErrorCode::unavailable);
}

TEST_CASE("store: a second opener is told that it is open") {
    Folder folder;
    auto first = open(folder);
    REQUIRE(first);
    const auto second = open(folder);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == bus::ErrorCode::conflict);
}

TEST_CASE("store: another format version or partition is refused by name and left alone") {
    Folder folder;
    REQUIRE(open(folder));
    const fs::path format = folder.path / "partition-3" / "format";
    std::ofstream(format) << "tributary store 2 partition 3\n";
    auto refused = open(folder);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::invalid_input);
    CHECK(refused.error().message.find("format 2") != std::string::npos);
    std::ofstream(format) << "tributary store 1 partition 4\n";
    refused = open(folder);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::invalid_input);
    std::ofstream(format) << "something else";
    refused = open(folder);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::corrupt);
}

TEST_CASE("store: a flipped byte in a table file is noticed and not served") {
    Folder sound;
    fill(sound);
    const auto bytes = static_cast<std::streamoff>(fs::file_size(biggest_table_file(sound)));
    for (std::streamoff offset = 100; offset < bytes; offset += bytes / 5) {
        CAPTURE(offset);
        Folder damaged;
        fs::copy(sound.path, damaged.path, fs::copy_options::recursive);
        flip_byte(biggest_table_file(damaged), offset);
        check_damage_is_noticed(damaged);
    }
    auto store = open(sound);
    REQUIRE(store);
    CHECK((*store)->get(0, row_key(row_count - 1)).value());
    CHECK_FALSE((*store)->damage());
}

TEST_CASE("store: a missing table file is corrupt, quarantine makes room for a rebuild") {
    Folder folder;
    fill(folder);
    fs::remove(biggest_table_file(folder));
    const auto refused = open(folder);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::corrupt);
    const auto aside = quarantine(folder.path / "partition-3");
    REQUIRE(aside);
    CHECK(aside->filename() == "partition-3.corrupt-1");
    CHECK(fs::exists(*aside));
    auto fresh = open(folder);
    REQUIRE(fresh);
    CHECK((*fresh)->checkpoint() == at(0));
}

TEST_CASE("store: an unsynced tail that is lost leaves an older consistent state") {
    Folder folder;
    {
        auto store = open(folder);
        REQUIRE(store);
        for (int i = 1; i <= 10; ++i)
            REQUIRE(
                (*store)->commit({{.table = 0, .key = "n", .value = std::to_string(i)}}, at(i)));
    }
    for (const auto& file : fs::recursive_directory_iterator(folder.path))
        if (file.path().extension() == ".log" && file.file_size() > 0)
            fs::resize_file(file.path(), file.file_size() * 2 / 3);
    auto store = open(folder);
    REQUIRE(store);
    const bus::Offset kept = (*store)->checkpoint()[bus::Topic::chat];
    CHECK(kept > 0);
    CHECK(kept < 10);
    CHECK((*store)->get(0, "n").value() == std::to_string(kept));
}
