#include "tests/prove/folder_files.hpp"
#include "tests/prove/kafka_cluster_faults.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <fstream>

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr auto load_time = 3s;
constexpr auto notice_patience = 40s;
constexpr auto deletion_patience = 30s;
constexpr auto marks_patience = 10s;
constexpr int foreign = 2'000;  // records of others, in each partition
constexpr const char* as_designed = "refused, with the reason";
constexpr const char* what_is_said = "Kafka has lost records";

void delete_chat(KafkaClusterWorld& world) {
    world.admin().delete_topic(world.topic("chat"));
    world.cluster().wait_until_deleted(world.topic("chat"), deletion_patience);
}

// As the program makes it, and full of what others wrote.
void create_chat(KafkaClusterWorld& world, int foreign_records) {
    world.admin().create_topic(world.topic("chat"), partitions);
    world.admin().wait_in_sync(world.topic("chat"), LocalCluster::size, 30s);
    ClusterAdmin writer(world.cluster().inside());  // one that has not known the topic before
    for (int partition = 0; foreign_records > 0 && partition < partitions; ++partition)
        writer.append(world.topic("chat"), partition, foreign_records);
}

void make_anew(KafkaClusterWorld& world, int foreign_records) {
    delete_chat(world);
    create_chat(world, foreign_records);
}

bool has_mark(KafkaClusterWorld& world, int partition) {
    std::ifstream marks(world.child().data() / "kafka-marks");
    const std::string of_partition = fmt::format("{} {} ", bus::name(bus::Topic::chat), partition);
    for (std::string line; std::getline(marks, line);)
        if (line.starts_with(of_partition)) return true;
    return false;
}

// Of each partition that has records: a kill leaves what tells them from others'.
void wait_until_marked(KafkaClusterWorld& world) {
    for (int partition = 0; partition < partitions; ++partition) {
        if (world.admin().end_of(world.topic("chat"), partition) == 0) continue;
        if (!eventually([&] { return has_mark(world, partition); }, marks_patience))
            throw std::runtime_error(fmt::format("no mark of chat/{}", partition));
    }
}

std::string start_again(KafkaClusterWorld& world) {
    try {
        world.start();
    } catch (const std::exception& refusal) {
        const std::string said = refusal.what();
        return said.find(what_is_said) != std::string::npos ? as_designed : said;
    }
    return "it starts";
}

// Neither the log nor the folder is another afterwards.
std::string refused_start(KafkaClusterWorld& world) {
    const auto ends = world.ends();
    const auto files = files_of(world.child().data());
    const std::string said = start_again(world);
    if (world.ends() != ends) return said + ", but something was appended";
    const std::string change = change_of(files, files_of(world.child().data()));
    return change.empty() ? said : said + ", but " + change;
}

using Which = std::function<bool(const checker::Told&)>;

// As the program says that one may: with what Kafka has. What it has not is `missing`.
std::string goes_on_with_the_rest(KafkaClusterWorld& world, const Which& missing) {
    for (const char* made_of_it : {"stores", "bases", "kafka-marks", "kafka-marks-read"})
        std::filesystem::remove_all(world.child().data() / made_of_it);
    world.start();
    world.forget_positions();
    world.load_for(load_time);
    return world.goes_on({.may_be_missing = missing});
}

Which told_until_now(const KafkaClusterWorld& world) {
    std::set<std::string> ids;
    for (const checker::Told& told : world.told()) ids.insert(told.id);
    return [=](const checker::Told& told) { return ids.contains(told.id); };
}

Which chat_until_now(const KafkaClusterWorld& world) {
    return [until_now = told_until_now(world)](const checker::Told& told) {
        return checker::channel_of(told.kind) == "chat" && until_now(told);
    };
}

std::string anew_while_stopped(LocalCluster& cluster, int foreign_records) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(load_time);
    const std::string before = world.goes_on();
    world.child().stop();
    make_anew(world, foreign_records);
    std::string refused = refused_start(world);
    if (refused != as_designed) return refused;
    if (foreign_records > 0) make_anew(world, 0);  // nobody can fold what is not ours
    return fmt::format("before {}, {}, with the rest {}", before, refused,
                       goes_on_with_the_rest(world, chat_until_now(world)));
}

std::string emptied_while_stopped(LocalCluster& cluster, const ClusterTimes&) {
    return anew_while_stopped(cluster, 0);
}
std::string others_while_stopped(LocalCluster& cluster, const ClusterTimes&) {
    return anew_while_stopped(cluster, foreign);
}

// Of the partition with the most records, on all three at once.
std::string cut_tail_of_chat(KafkaClusterWorld& world) {
    const auto ends = world.ends();
    int fullest = 0;
    for (int partition = 1; partition < partitions; ++partition)
        if (ends.at(fmt::format("chat/{}", partition)) > ends.at(fmt::format("chat/{}", fullest)))
            fullest = partition;
    world.cluster().kill_all();
    const std::int64_t first_gone = world.cluster().cut_tail(world.topic("chat"), fullest);
    world.cluster().start_missing();
    world.wait_in_sync();
    const std::int64_t end = world.ends().at(fmt::format("chat/{}", fullest));
    return end == first_gone && end > 0
               ? ""
               : fmt::format("chat/{} ends at {}, not at {}", fullest, end, first_gone);
}

std::string tail_lost_while_stopped(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(load_time);
    const std::string before = world.goes_on();
    world.child().stop();
    if (const std::string not_cut = cut_tail_of_chat(world); !not_cut.empty()) return not_cut;
    const std::string refused = refused_start(world);
    if (refused != as_designed) return refused;
    return fmt::format("before {}, {}, with the rest {}", before, refused,
                       goes_on_with_the_rest(world, chat_until_now(world)));
}

// "3 events wait in the spool".
std::int64_t waiting(KafkaClusterWorld& world) {
    const std::string checks = world.checks();
    const auto end = checks.find(" events wait in the spool");
    if (end == checks.npos) throw std::runtime_error("nobody says what waits: " + checks);
    const auto begin = checks.find_last_not_of("0123456789", end - 1) + 1;
    return std::stoll(checks.substr(begin, end - begin));
}

void wait_until_noticed(KafkaClusterWorld& world) {
    const auto is_noticed = [&] {
        const std::string checks = world.checks();
        return checks.find("anew") != checks.npos || checks.find(what_is_said) != checks.npos;
    };
    if (!eventually(is_noticed, notice_patience))
        throw std::runtime_error("it is not noticed: " + world.checks());
}

// Once it is noticed: all that comes is kept, and it alone; nothing goes into what is left.
std::string only_kept(KafkaClusterWorld& world) {
    const auto ends = world.ends();
    const std::int64_t waited = waiting(world);
    const std::size_t kept = world.answered(checker::kept_answer);
    world.outage([&] { world.load_for(load_time); });
    if (world.ends() != ends) return "something was appended";
    const auto more = static_cast<std::int64_t>(world.answered(checker::kept_answer) - kept);
    const std::int64_t taken = waiting(world) - waited;
    return taken == more ? world.kept() : fmt::format("kept {} of {}", taken, more);
}

std::size_t taken(const KafkaClusterWorld& world) {
    return world.answered(checker::replicated_answer) + world.answered(checker::kept_answer);
}

std::int64_t records_in(const std::map<std::string, std::int64_t>& ends) {
    std::int64_t records = 0;
    for (const auto& [place, end] : ends)
        records += place.starts_with("chat") ? end - foreign : end;
    return records;
}

// What was taken until it was noticed went to Kafka, though to another topic, or waits.
std::string all_taken_is_held(KafkaClusterWorld& world, std::size_t in_lost_topic) {
    const std::int64_t held = records_in(world.ends()) + waiting(world);
    const auto wanted = static_cast<std::int64_t>(taken(world) - in_lost_topic);
    return held >= wanted ? "" : fmt::format("{} of {} are held, ", held, wanted);
}

std::int64_t records_of_chat(KafkaClusterWorld& world) {
    std::int64_t records = 0;
    for (const auto& [place, end] : world.ends())
        if (place.starts_with("chat")) records += end;
    return records;
}

// Nothing more goes into what is left; what comes is kept, and a kill does not make it forget:
// neither what was kept nor what it had lost.
std::string anew_while_it_serves(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(load_time);
    const std::string before = world.goes_on();  // so each body was read before it goes
    wait_until_marked(world);
    const auto shown = told_until_now(world);
    const auto in_lost_topic = static_cast<std::size_t>(records_of_chat(world));
    delete_chat(world);  // ahead of the load, so that no body of chat goes unread
    world.under_load([&] {
        create_chat(world, foreign);
        wait_until_noticed(world);
    });
    const std::string held = all_taken_is_held(world, in_lost_topic);
    const auto lost = chat_until_now(world);
    const std::string kept = held + only_kept(world);
    world.forget_positions();
    const std::string rows = world.checked(
        checker::Proof::none, {.may_be_missing = [&](const auto& told) { return !shown(told); }});
    world.child().kill();
    const std::string refused = refused_start(world);
    if (refused != as_designed) return fmt::format("{}, rows {}, then {}", kept, rows, refused);
    make_anew(world, 0);
    return fmt::format("before {}, {}, rows {}, then {}, with the rest {}", before, kept, rows,
                       refused, goes_on_with_the_rest(world, lost));
}

int replay(KafkaClusterWorld& world, const std::string& request) {
    const Addresses addresses = world.child().addresses();
    return ProductClient(addresses)
        .api("POST", "/v1/replays", {{"authorization", "Bearer " + addresses.admin_key}}, request)
        .status;
}

// The older half of what there is. Where each partition begins now.
std::map<std::string, std::int64_t> delete_heads(KafkaClusterWorld& world) {
    std::map<std::string, std::int64_t> kept_from;
    for (int partition = 0; partition < partitions; ++partition) {
        const std::int64_t first = world.admin().end_of(world.topic("chat"), partition) / 2;
        world.admin().delete_records(world.topic("chat"), partition, first);
        kept_from[fmt::format("chat/{}", partition)] = first;
    }
    return kept_from;
}

// From the head, and less than what is folded: nothing of it is needed but the bodies, unless all
// is built anew.
std::string head_deleted(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(load_time);
    const std::string before = world.goes_on();
    const checker::Rules rules{.kept_from = delete_heads(world)};
    world.load_for(load_time);
    world.child().kill();
    world.start();
    std::string behind = world.caught_up();
    if (!behind.empty()) return behind;
    const int switched = replay(world, R"({"switch":true})");
    world.forget_bodies();
    const std::string after = world.checked(checker::Proof::none, rules);
    return fmt::format("before {}, switch {}, after {}, without expired {}", before, switched,
                       after, replay(world, R"({"switch":true,"without_expired":true})"));
}

}  // namespace

std::vector<ClusterFault> loss_faults() {
    const std::string refused = as_designed;
    const std::string rest = ", with the rest 0 faults";
    return {
        {"emptied while stopped", "before 0 faults, " + refused + rest, emptied_while_stopped},
        {"others' records under our offsets", "before 0 faults, " + refused + rest,
         others_while_stopped},
        {"tail lost while stopped", "before 0 faults, " + refused + rest, tail_lost_while_stopped},
        {"made anew while it serves",
         "before 0 faults, 202 local, rows 0 faults, then " + refused + rest, anew_while_it_serves},
        {"records deleted from the head",
         "before 0 faults, switch 409, after 0 faults, without expired 202", head_deleted},
    };
}

}  // namespace tests::prove
