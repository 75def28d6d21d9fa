#include "projections/store/row_store.hpp"

#include "projections/store/rocks_options.hpp"
#include "projections/store/sorted_files.hpp"
#include "projections/store/sorted_inserts.hpp"
#include "projections/store/store_format.hpp"

#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>

#include <array>
#include <mutex>

namespace projections::store {

namespace {

using bus::ErrorCode;
using rocksdb::Slice;

constexpr std::array<const char*, 4> table_names = {"rows", "entries", "index", "measures"};
constexpr auto table_count = static_cast<std::uint8_t>(table_names.size());
constexpr std::string_view meta_prefix = "meta/";
constexpr std::size_t kept_batch_bytes_max = 32 << 20;

Slice slice(std::string_view bytes) {
    return {bytes.data(), bytes.size()};
}
std::string_view view(const Slice& bytes) {
    return {bytes.data(), bytes.size()};
}

std::string meta_key(std::string_view name) {
    return std::string{meta_prefix}.append(name);
}

// The first key after all that start with `prefix`.
std::string end_of(std::string_view prefix) {
    std::string end{prefix};
    while (!end.empty() && end.back() == '\xff') end.pop_back();
    if (end.empty()) return std::string(64, '\xff');  // above every key that we write
    end.back() = static_cast<char>(end.back() + 1);
    return end;
}

ErrorCode code_of(const rocksdb::Status& status) {
    if (status.IsCorruption() || status.IsNotSupported() || status.IsInvalidArgument() ||
        status.IsPathNotFound())
        return ErrorCode::corrupt;
    return ErrorCode::unavailable;
}

bus::Error error_of(const rocksdb::Status& status, std::string_view doing,
                    const std::filesystem::path& directory) {
    return bus::fail(code_of(status), "{} store {}: {}", doing, directory.string(),
                     status.ToString());
}

bool is_locked(const rocksdb::Status& status) {
    return status.IsIOError() && status.ToString().find("lock") != std::string::npos;
}

// Shared by the store and its snapshots, which must go before the database is closed.
class Database {
public:
    explicit Database(StoreOptions options, std::shared_ptr<SharedResources> shared)
        : options_(std::move(options)), shared_(std::move(shared)) {}
    ~Database() {
        if (db_) shared_->memtables.remove(db_.get());
        for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    }

    bus::Result<bus::Done> open() {
        std::vector<rocksdb::ColumnFamilyDescriptor> families;
        families.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options(Lookup::by_key));
        for (std::uint8_t table = 0; table < table_count; ++table)
            families.emplace_back(table_names[table], family_options(lookup_of(table)));
        rocksdb::DB* db = nullptr;
        const rocksdb::Status status = rocksdb::DB::Open(
            options_.bulk ? bulk_database_options(*shared_) : database_options(*shared_),
            rows_directory(directory()).string(), families, &handles_, &db);
        db_.reset(db);
        if (status.ok()) {
            if (!options_.bulk) shared_->memtables.add({db, handles_});
            return bus::Done{};
        }
        if (is_locked(status))
            return bus::fail(ErrorCode::conflict, "store {} is open elsewhere: {}",
                             directory().string(), status.ToString());
        return error_of(status, "open", directory());
    }

    rocksdb::DB& db() { return *db_; }
    rocksdb::ColumnFamilyHandle* meta() { return handles_[0]; }
    rocksdb::ColumnFamilyHandle* table(std::uint8_t number) {
        BUS_ASSERT(number < table_count, "no such table");
        return handles_[number + 1u];
    }
    const std::filesystem::path& directory() const { return options_.directory; }
    bus::PartitionId partition() const { return options_.partition; }

    bus::Result<bus::Done> write(rocksdb::WriteBatch& batch, std::string_view doing) {
        rocksdb::WriteOptions options;
        options.disableWAL = options_.bulk;
        const rocksdb::Status status = db_->Write(options, &batch);
        if (!status.ok()) return failed(status, doing);
        shared_->memtables.keep();
        return bus::Done{};
    }
    void add(const std::vector<StoreWrite>& writes, rocksdb::WriteBatch& batch) {
        for (const StoreWrite& write : writes) {
            if (write.value)
                batch.Put(table(write.table), slice(write.key), slice(*write.value));
            else
                batch.Delete(table(write.table), slice(write.key));
        }
    }
    bus::Result<bus::Done> erase(std::string_view prefix) {
        BUS_ASSERT(prefix.size() <= range_start_bytes_max, "rows of an instance, or of its tenant");
        const std::string end = end_of(prefix);
        rocksdb::WriteBatch batch;
        for (std::uint8_t number = 0; number < table_count; ++number)
            batch.DeleteRange(table(number), slice(prefix), end);
        if (auto done = write(batch, "erase in"); !done) return done;
        // Range tombstones slow every read that crosses them until they are compacted away.
        const Slice from = slice(prefix);
        const Slice to = end;
        rocksdb::CompactRangeOptions options;
        options.exclusive_manual_compaction = false;
        for (std::uint8_t number = 0; number < table_count; ++number) {
            const rocksdb::Status status = db_->CompactRange(options, table(number), &from, &to);
            if (!status.ok()) return failed(status, "erase in");
        }
        return bus::Done{};
    }
    bus::Result<bus::Done> flush() {
        rocksdb::FlushOptions options;
        options.allow_write_stall = true;
        const rocksdb::Status status = db_->Flush(options, handles_);
        if (!status.ok()) return failed(status, "flush");
        return bus::Done{};
    }

    // Gives the error to return; damage is remembered for the writer.
    bus::Error failed(const rocksdb::Status& status, std::string_view doing) {
        bus::Error error = error_of(status, doing, directory());
        if (error.code == ErrorCode::corrupt) {
            std::lock_guard lock(mutex_);
            if (!damage_) damage_ = error;
        }
        return error;
    }
    std::optional<bus::Error> damage() const {
        std::lock_guard lock(mutex_);
        return damage_;
    }

    bus::Result<std::optional<std::string>> get(rocksdb::ColumnFamilyHandle* table,
                                                std::string_view key,
                                                const rocksdb::ReadOptions& options) {
        std::string value;
        const rocksdb::Status status = db_->Get(options, table, slice(key), &value);
        if (status.ok()) return std::optional<std::string>{std::move(value)};
        if (status.IsNotFound()) return std::optional<std::string>{};
        return failed(status, "read");
    }

private:
    rocksdb::ColumnFamilyOptions family_options(Lookup lookup) const {
        return options_.bulk ? bulk_table_options(*shared_, options_.memtable_bytes, lookup)
                             : table_options(*shared_, options_.memtable_bytes, lookup);
    }

    const StoreOptions options_;
    const std::shared_ptr<SharedResources> shared_;
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // go before db_
    mutable std::mutex mutex_;
    std::optional<bus::Error> damage_;  // guarded by mutex_
};

bus::Result<bus::Position> read_checkpoint(Database& database,
                                           const rocksdb::ReadOptions& options) {
    auto bytes = database.get(database.meta(), checkpoint_key, options);
    if (!bytes) return bytes.error();
    if (!*bytes) return bus::Position{.partition = database.partition()};
    auto position = bus::decode_checkpoint(**bytes);
    if (position && position->partition != database.partition())
        return bus::fail(ErrorCode::corrupt, "store {}: its checkpoint is of partition {}",
                         database.directory().string(), position->partition);
    return position;
}

class RocksSnapshot final : public Snapshot {
public:
    explicit RocksSnapshot(std::shared_ptr<Database> database)
        : database_(std::move(database)), snapshot_(database_->db().GetSnapshot()) {
        options_.snapshot = snapshot_;
    }
    ~RocksSnapshot() override { database_->db().ReleaseSnapshot(snapshot_); }

    std::optional<std::string> get(std::uint8_t table, std::string_view key) const override {
        auto value = database_->get(database_->table(table), key, options_);
        if (value) return *std::move(value);
        remember(value.error());
        return std::nullopt;
    }

    void get_each(std::uint8_t table, std::span<const std::string> keys,
                  const VisitValue& visit) const override {
        // Not MultiGet: with rows in memory it costs more than the look-ups one by one.
        rocksdb::PinnableSlice value;
        for (std::size_t place = 0; place < keys.size(); ++place) {
            const rocksdb::Status status =
                database_->db().Get(options_, database_->table(table), slice(keys[place]), &value);
            if (status.ok())
                visit(place, view(value));
            else if (!status.IsNotFound())
                remember(database_->failed(status, "read"));
            value.Reset();
        }
    }

    void scan(std::uint8_t table, std::string_view from, std::string_view to, bool descending,
              const Visit& visit) const override {
        if (!to.empty() && to <= from) return;
        const Slice lower = slice(from);
        const Slice upper = slice(to);
        rocksdb::ReadOptions options = options_;
        options.iterate_lower_bound = &lower;
        if (!to.empty()) options.iterate_upper_bound = &upper;
        const std::unique_ptr<rocksdb::Iterator> rows{
            database_->db().NewIterator(options, database_->table(table))};
        if (descending)
            rows->SeekToLast();
        else
            rows->Seek(lower);
        while (rows->Valid() && visit(view(rows->key()), view(rows->value()))) {
            if (descending)
                rows->Prev();
            else
                rows->Next();
        }
        if (!rows->status().ok()) remember(database_->failed(rows->status(), "scan"));
    }

    const bus::Position& checkpoint() const override {
        if (!checkpoint_) {
            auto position = read_checkpoint(*database_, options_);
            if (!position) remember(position.error());
            checkpoint_ = position.value_or(bus::Position{.partition = database_->partition()});
        }
        return *checkpoint_;
    }

    const std::optional<bus::Error>& failure() const override { return failure_; }

private:
    void remember(const bus::Error& error) const {
        if (!failure_) failure_ = error;
    }

    const std::shared_ptr<Database> database_;
    const rocksdb::Snapshot* const snapshot_;
    rocksdb::ReadOptions options_;
    mutable std::optional<bus::Position> checkpoint_;  // read when asked for
    mutable std::optional<bus::Error> failure_;
};

class RocksUpkeep final : public StoreUpkeep {
public:
    explicit RocksUpkeep(std::shared_ptr<Database> database) : database_(std::move(database)) {}

    bus::Result<bus::Done> copy_to(const std::filesystem::path& directory) override {
        if (auto made = prepare_directory(directory, database_->partition()); !made) return made;
        rocksdb::Checkpoint* made = nullptr;
        rocksdb::Status status = rocksdb::Checkpoint::Create(&database_->db(), &made);
        const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
        constexpr std::uint64_t flush_always = 0;  // so that no write-ahead log has to be copied
        if (status.ok())
            status = checkpoint->CreateCheckpoint(rows_directory(directory).string(), flush_always);
        if (!status.ok()) return error_of(status, "copy", database_->directory());
        return bus::Done{};
    }

    bus::Result<bus::Done> compact() override {
        rocksdb::CompactRangeOptions options;
        options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
        options.exclusive_manual_compaction = false;  // the store's own go on
        for (std::uint8_t table = 0; table < table_count; ++table) {
            const rocksdb::Status status =
                database_->db().CompactRange(options, database_->table(table), nullptr, nullptr);
            if (!status.ok()) return database_->failed(status, "compact");
        }
        return bus::Done{};
    }

    std::uint64_t sequence() const override { return database_->db().GetLatestSequenceNumber(); }
    bool is_read_before(std::uint64_t sequence) const override {
        std::uint64_t oldest = 0;  // of the open ones; 0: there is none
        return database_->db().GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence,
                                              &oldest) &&
               oldest > 0 && oldest < sequence;
    }

    std::uint64_t file_bytes() const override {
        std::uint64_t sum = 0;
        for (std::uint8_t table = 0; table < table_count; ++table) {
            std::uint64_t bytes = 0;
            if (database_->db().GetIntProperty(database_->table(table),
                                               "rocksdb.live-sst-files-size", &bytes))
                sum += bytes;
        }
        return sum;
    }

private:
    const std::shared_ptr<Database> database_;
};

class RocksInstanceWriter final : public InstanceWriter {
public:
    explicit RocksInstanceWriter(std::shared_ptr<Database> database)
        : database_(std::move(database)) {}

    bus::Result<std::optional<std::string>> get(std::uint8_t table, std::string_view key) override {
        return database_->get(database_->table(table), key, {});
    }
    bus::Result<std::optional<std::string>> get_meta(std::string_view name) override {
        return database_->get(database_->meta(), meta_key(name), {});
    }
    bus::Result<bus::Done> commit(const std::vector<StoreWrite>& writes, std::string_view meta_name,
                                  std::string_view meta_value) override {
        rocksdb::WriteBatch batch;
        database_->add(writes, batch);
        batch.Put(database_->meta(), meta_key(meta_name), slice(meta_value));
        return database_->write(batch, "write beside");
    }

    bus::Result<bus::Done> ingest(const SortedFiles& files) override {
        std::vector<rocksdb::IngestExternalFileArg> arguments;
        for (std::uint8_t table = 0; table < table_count; ++table) {
            if (files.of_table[table].empty()) continue;
            rocksdb::IngestExternalFileArg& argument = arguments.emplace_back();
            argument.column_family = database_->table(table);
            for (const auto& file : files.of_table[table])
                argument.external_files.push_back(file.string());
            argument.options.move_files = true;
        }
        if (arguments.empty()) return bus::Done{};
        const rocksdb::Status status = database_->db().IngestExternalFiles(arguments);
        if (!status.ok()) return database_->failed(status, "take files into");
        return bus::Done{};
    }

    bus::Result<bus::Done> erase_prefix(std::string_view prefix) override {
        if (has_none(prefix)) return bus::Done{};
        return database_->erase(prefix);
    }

    std::uint64_t bytes_of(std::string_view prefix) const override {
        const std::string end = end_of(prefix);
        const rocksdb::Range range(slice(prefix), end);
        rocksdb::SizeApproximationOptions options;
        options.include_memtables = true;
        std::uint64_t sum = 0;
        for (std::uint8_t table = 0; table < table_count; ++table) {
            std::uint64_t bytes = 0;
            if (database_->db()
                    .GetApproximateSizes(options, database_->table(table), &range, 1, &bytes)
                    .ok())
                sum += bytes;
        }
        return sum;
    }

private:
    bool has_none(std::string_view prefix) const {
        const std::string end = end_of(prefix);
        const Slice upper = end;
        rocksdb::ReadOptions options;
        options.iterate_upper_bound = &upper;
        for (std::uint8_t table = 0; table < table_count; ++table) {
            const std::unique_ptr<rocksdb::Iterator> rows{
                database_->db().NewIterator(options, database_->table(table))};
            rows->Seek(slice(prefix));
            if (rows->Valid() || !rows->status().ok()) return false;
        }
        return true;
    }

    const std::shared_ptr<Database> database_;
};

class RocksRowStore final : public RowStore {
public:
    RocksRowStore(std::shared_ptr<Database> database, const bus::Position& checkpoint)
        : database_(std::move(database)), checkpoint_(checkpoint) {}

    bus::Result<std::optional<std::string>> get(std::uint8_t table, std::string_view key) override {
        return database_->get(database_->table(table), key, {});
    }

    bus::Result<bus::Done> commit(const std::vector<StoreWrite>& writes,
                                  const bus::Position& checkpoint) override {
        batch_.Clear();
        database_->add(writes, batch_);
        batch_.Put(database_->meta(), slice(checkpoint_key), bus::encode_checkpoint(checkpoint));
        if (auto done = database_->write(batch_, "write"); !done) return done;
        if (batch_.GetDataSize() > kept_batch_bytes_max) batch_ = rocksdb::WriteBatch();
        std::lock_guard lock(mutex_);
        checkpoint_ = checkpoint;
        return bus::Done{};
    }

    bus::Position checkpoint() const override {
        std::lock_guard lock(mutex_);
        return checkpoint_;
    }

    std::unique_ptr<Snapshot> snapshot() const override {
        return std::make_unique<RocksSnapshot>(database_);
    }

    std::optional<bus::Error> damage() const override { return database_->damage(); }

    bus::Result<std::optional<std::string>> get_meta(std::string_view name) override {
        return database_->get(database_->meta(), meta_key(name), {});
    }

    bus::Result<bus::Done> put_meta(std::string_view name, std::string_view value) override {
        rocksdb::WriteBatch batch;
        batch.Put(database_->meta(), meta_key(name), slice(value));
        return database_->write(batch, "write");
    }

    bus::Result<bus::Done> erase_prefix(std::string_view prefix) override {
        return database_->erase(prefix);
    }

    std::unique_ptr<StoreUpkeep> upkeep() const override {
        return std::make_unique<RocksUpkeep>(database_);
    }
    std::unique_ptr<InstanceWriter> instance_writer() const override {
        return std::make_unique<RocksInstanceWriter>(database_);
    }
    bus::Result<bus::Done> flush() override { return database_->flush(); }

    std::string statistics() const override {
        std::string out;
        for (std::uint8_t table = 0; table < table_count; ++table) {
            append(out, table, "rocksdb.estimate-num-keys", "keys");
            append(out, table, "rocksdb.cur-size-all-mem-tables", "memtable_bytes");
            append(out, table, "rocksdb.live-sst-files-size", "file_bytes");
            append(out, table, "rocksdb.num-files-at-level0", "level0_files");
            append(out, table, "rocksdb.estimate-pending-compaction-bytes", "compaction_bytes");
        }
        return out;
    }

private:
    void append(std::string& out, std::uint8_t table, const char* property,
                std::string_view name) const {
        std::string value;
        if (database_->db().GetProperty(database_->table(table), property, &value))
            out += fmt::format("{}_{}={}\n", table_names[table], name, value);
    }

    const std::shared_ptr<Database> database_;
    rocksdb::WriteBatch batch_;  // kept for its memory: fresh pages for each batch cost as much
    mutable std::mutex mutex_;
    bus::Position checkpoint_;  // guarded by mutex_
};

}  // namespace

bus::Result<std::unique_ptr<RowStore>> RowStore::open(const StoreOptions& options,
                                                      std::shared_ptr<SharedResources> shared) {
    if (auto prepared = prepare_directory(options.directory, options.partition); !prepared)
        return prepared.error();
    auto database = std::make_shared<Database>(options, std::move(shared));
    if (auto opened = database->open(); !opened) return opened.error();
    auto checkpoint = read_checkpoint(*database, {});
    if (!checkpoint) return checkpoint.error();
    return std::unique_ptr<RowStore>(
        std::make_unique<RocksRowStore>(std::move(database), *checkpoint));
}

}  // namespace projections::store
