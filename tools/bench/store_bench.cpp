// What the batch overlay and the store cost per event, without mapping and without a log:
// per event a timeline entry (220 B, written once), a message row (300 B, written once) and a
// conversation row read and changed (400 B) with one index entry moved; half of the events on 50
// hot customers per tenant. Three runs: the overlay alone, overlay and store, store drained.
//
//   bench_store [events] [tenants] [batch]
#include "projections/batch.hpp"
#include "projections/store/row_store.hpp"
#include "tools/bench/process_use.hpp"

#include <cstdlib>
#include <filesystem>
#include <random>

using namespace projections;

namespace {

struct Message final : RowOf<Message> {
    std::string body;
    void encode(std::string& out) const override { out += body; }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        body = bytes;
        return bus::Done{};
    }
};

struct Conversation final : RowOf<Conversation> {
    std::uint64_t last = 0;
    std::uint64_t customer = 0;
    std::string rest;
    void encode(std::string& out) const override {
        out += KeyWriter{}.number(last).number(customer).raw(rest).str();
    }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        KeyReader reader(bytes);
        last = reader.number();
        customer = reader.number();
        rest = reader.rest();
        return bus::Done{};
    }
    void index_entries(IndexSink& sink) const override {
        sink.entry(KeyWriter{}.byte('l').number(last).number(customer).str());
    }
};

struct Nothing final : CommittedRows {
    std::optional<std::string> get(Table, std::string_view) override { return std::nullopt; }
};

struct Stored final : CommittedRows {
    store::RowStore& rows;
    explicit Stored(store::RowStore& store) : rows(store) {}
    std::optional<std::string> get(Table table, std::string_view key) override {
        return rows.get(static_cast<std::uint8_t>(table), key).value_or(std::nullopt);
    }
};

struct Load {
    std::size_t events, tenants, batch;
};

void fold_one(Rows& messages, Rows& conversations, std::uint64_t number, std::uint64_t customer) {
    static const std::string text(400, 't');
    messages.put(Table::entries, KeyWriter{}.byte('t').number(customer).number(number).str(),
                 std::string_view{text}.substr(0, 220));
    messages
        .edit<Message>(Table::entries, KeyWriter{}.byte('m').number(number).number(~number).str())
        .body.assign(text, 0, 300);
    Conversation& conversation =
        conversations.edit<Conversation>(Table::rows, KeyWriter{}.number(customer).str());
    conversation.last = number;
    conversation.customer = customer;
    if (conversation.rest.empty()) conversation.rest = text.substr(0, 384);
}

template <class Commit>
void run(const Load& load, CommittedRows& committed, Commit commit) {
    Batch batch(committed, nullptr, 20'000);
    std::mt19937_64 random(7);
    for (std::size_t i = 0; i < load.events; ++i) {
        const bus::TenantId tenant{1 + random() % load.tenants};
        const std::uint64_t draw = random();
        const std::uint64_t customer = draw % 2 == 0 ? draw / 2 % 50 : draw / 2 % 5'000;
        fold_one(batch.rows(2, tenant), batch.rows(3, tenant), i, customer);
        if ((i + 1) % load.batch == 0 || i + 1 == load.events) commit(batch, i + 1);
    }
}

void print(std::string_view what, const Load& load, double cpu) {
    fmt::print("{}_cpu_us_per_event={:.2f}\n", what, cpu * 1e6 / static_cast<double>(load.events));
}

}  // namespace

int main(int argc, char** argv) {
    const auto argument = [&](int i, std::size_t other) {
        return argc > i ? static_cast<std::size_t>(std::atoll(argv[i])) : other;
    };
    const Load load{argument(1, 1'000'000), argument(2, 200), argument(3, 512)};

    Nothing nothing;
    std::size_t writes_made = 0;
    double start = bench::cpu_seconds();
    run(load, nothing, [&](Batch& batch, std::size_t) {
        writes_made += batch.finish().value_or(std::span<const Write>{}).size();
    });
    print("overlay", load, bench::cpu_seconds() - start);
    fmt::print("writes_per_event={:.2f}\n",
               static_cast<double>(writes_made) / static_cast<double>(load.events));

    std::string folder = "/tmp/store_bench_XXXXXX";
    if (!::mkdtemp(folder.data())) return 1;
    {
        auto opened = store::RowStore::open({.directory = folder + "/partition-0"},
                                            store::make_shared_resources(64 << 20, 128 << 20));
        if (!opened) {
            fmt::print(stderr, "{}\n", opened.error().message);
            return 1;
        }
        Stored stored(**opened);
        start = bench::cpu_seconds();
        run(load, stored, [&](Batch& batch, std::size_t applied) {
            auto writes = batch.finish();
            std::vector<store::StoreWrite> changes;
            for (const Write& write : *writes)
                changes.push_back({static_cast<std::uint8_t>(write.table), write.key, write.value});
            bus::Position position;
            position[bus::Topic::chat] = applied;
            if (!(*opened)->commit(changes, position)) std::abort();
        });
        print("overlay_and_store", load, bench::cpu_seconds() - start);
    }
    print("until_closed", load, bench::cpu_seconds() - start);
    std::filesystem::remove_all(folder);
    return 0;
}
