#include "bus/envelope.hpp"
#include "schemas/control_facts.hpp"
#include "schemas/providers/built_in.hpp"
#include "schemas/providers/provider_file.hpp"
#include "schemas/registry_state.hpp"

#include <doctest/doctest.h>

namespace {

constexpr bus::Timestamp noon{bus::microseconds{1'700'000'000'000'000}};
constexpr bus::TenantId acme{7};

// Feeds facts at rising offsets, as the follower does.
struct Follower {
    std::unique_ptr<schemas::Registry> registry;
    bus::Offset next = 0;

    explicit Follower(std::size_t compiled_bytes = schemas::compiled_bytes_max)
        : registry(schemas::make_registry({}, compiled_bytes)) {}

    bus::Result<bus::Done> apply(const bus::NewRecord& record) {
        return registry->apply({.address = {record.topic, 0, next++},
                                .key = record.key,
                                .headers = record.headers,
                                .value = record.value,
                                .tombstone = record.tombstone});
    }
    schemas::Registry::Outcome decide(const schemas::ControlFact& fact) {
        REQUIRE(apply(schemas::encode(fact)));
        return registry->outcome(fact.command).value();
    }
};

schemas::Source a_source(std::uint64_t id, std::string slug) {
    schemas::Source source;
    source.id = bus::SourceId{id};
    source.tenant = acme;
    source.slug = std::move(slug);
    source.kind = "ivr";
    source.topic = bus::Topic::voice;
    source.created_at = source.updated_at = noon;
    source.verification.own().kind = "none";
    return source;
}

template <class Body>
schemas::ControlFact fact_of(std::string command, Body body,
                             const schemas::Requirements& requirements) {
    return {.id = bus::EventId{},
            .tenant = acme,
            .time = noon,
            .command = std::move(command),
            .request_hash = "hash",
            .requirements = requirements,
            .body = std::move(body)};
}

schemas::ControlFact create(std::string command, const schemas::Source& source) {
    return fact_of(
        std::move(command), schemas::SourceCreated{source},
        {.versions = {{bus::to_string(source.id), 0}}, .free = schemas::unique_keys(source)});
}

schemas::ControlFact new_tenant(std::string command) {
    schemas::TenantCreated body;
    body.tenant = {.id = acme,
                   .code = "acme",
                   .name = "Acme",
                   .country = "IN",
                   .created_at = noon,
                   .data_key_id = "dk_1",
                   .wrapped_data_key = {}};
    body.api_key = {.id = "key_1", .tenant = acme, .hash = "h1", .label = {}, .created_at = noon};
    body.source = a_source(1, "events");
    return fact_of(std::move(command), body, {.versions = {}, .free = {"code:acme"}});
}

std::string mapping_text(std::string_view type) {
    return fmt::format("mapping: mine\nchannel: web\nbody: [json]\nemit:\n  - {{type: {}}}\n",
                       type);
}

schemas::MappingBound bound_as(const std::string& text, schemas::SourceSettings settings = {}) {
    const auto mapping = schemas::Mapping::compile(text, "mine");
    REQUIRE(mapping);
    const auto bound = schemas::BoundMapping::bind(*mapping, settings);
    REQUIRE(bound);
    return {
        .stamp = (*bound)->stamp(), .file = "mine", .text = text, .settings = std::move(settings)};
}

std::vector<std::string> types_of(const schemas::BoundMapping& mapping) {
    const bus::Headers headers;
    schemas::Scratch scratch;
    const bus::RecordView record{
        .address = {bus::Topic::web, 0, 0}, .key = "k", .headers = headers, .value = "{}"};
    const bus::Envelope envelope;
    std::vector<std::string> types;
    for (const auto& event : mapping.map(record, envelope, "mine", scratch).events)
        types.emplace_back(event.type_name);
    return types;
}

bus::NewRecord data_key(std::string id, std::string wrapped) {
    bus::NewRecord record;
    record.topic = bus::Topic::keys;
    record.key = std::move(id);
    record.tombstone = wrapped.empty();
    record.value = std::move(wrapped);
    return record;
}

}  // namespace

TEST_CASE("registry: a source comes back from its fact as it was") {
    schemas::Source source = a_source(3, "calls");
    source.label = "Calls \"main\"";
    source.token_hash = "abc";
    source.enabled = false;
    source.verification.own().kind = "hmac";
    source.verification.own().algorithm = "sha1";
    source.verification.own().header = "x-sig";
    source.verification.own().key_value_list = true;
    source.verification.own().tolerance_s = 300;
    source.secrets = {{.id = "sec_1",
                       .sealed = std::string("\0\xff\1", 3),
                       .last4 = "1234",
                       .rotated_at = noon,
                       .valid_until = noon + bus::seconds{5}}};
    source.account_ids = {"ivr:1"};
    source.default_paths = {"/p"};
    source.settings = schemas::SourceSettings{.field_mapping = {{"caller", "a.b"}},
                                              .status_mapping = {{"X", "missed"}},
                                              .time_format = "iso",
                                              .time_zone = "Asia/Kolkata",
                                              .country = "IN",
                                              .extra = {{"team", "blue"}}};
    source.dedup_paths.own() = {"id"};
    source.methods.own() = {"GET"};
    source.mapping_name = "mine";
    source.stamp = "5555";

    Follower follower;
    CHECK(follower.decide(create("c1", source)).applied);
    const auto stored = follower.registry->source_by_slug("calls");
    REQUIRE(stored);
    CHECK(stored->version == 1);
    CHECK(stored->verification == source.verification);
    CHECK(stored->settings == source.settings);
    REQUIRE(stored->secrets.size() == 1);
    CHECK(stored->secrets[0].sealed == source.secrets[0].sealed);
    CHECK(stored->secrets[0].valid_until == source.secrets[0].valid_until);
    CHECK_FALSE(stored->enabled);
    CHECK(stored->topic == bus::Topic::voice);
    CHECK(follower.registry->source_by_account("ivr:1") == stored);
    CHECK(follower.registry->default_source("/p") == stored);
}

TEST_CASE("registry: sources are found by the verify token that they share, while enabled") {
    Follower follower;
    const auto with_token = [](std::uint64_t id, const std::string& slug, std::string hash) {
        schemas::Source source = a_source(id, slug);
        source.verify_token_hash = std::move(hash);
        return source;
    };
    const auto found = [&](std::string_view hash) {
        std::vector<std::uint64_t> ids;
        for (const auto& source :
             follower.registry->sources_by_verify_token(with_token(1, "a", "").kind, hash))
            ids.push_back(source->id.value);
        return ids;
    };
    using Ids = std::vector<std::uint64_t>;
    follower.decide(create("c1", with_token(1, "a", "one")));
    follower.decide(create("c2", with_token(2, "b", "one")));
    follower.decide(create("c3", with_token(3, "c", "two")));
    follower.decide(create("c4", with_token(4, "d", "")));
    CHECK(found("one") == Ids{1, 2});
    CHECK(found("two") == Ids{3});
    CHECK(found("").empty());
    CHECK(follower.registry->sources_by_verify_token("another_kind", "one").empty());

    follower.decide(fact_of("c5", schemas::SourceUpdated{with_token(1, "a", "two")}, {}));
    CHECK(found("one") == Ids{2});
    CHECK(found("two") == Ids{1, 3});
    schemas::Source off = with_token(2, "b", "one");
    off.enabled = false;
    follower.decide(fact_of("c6", schemas::SourceUpdated{off}, {}));
    follower.decide(fact_of("c7", schemas::SourceDeleted{bus::SourceId{3}}, {}));
    CHECK(found("one").empty());
    CHECK(found("two") == Ids{1});
}

TEST_CASE("registry: a fact whose unique key is held is refused, and stays refused") {
    Follower follower;
    CHECK(follower.decide(create("c1", a_source(1, "calls"))).applied);
    const auto refused = follower.decide(create("c2", a_source(2, "calls")));
    CHECK_FALSE(refused.applied);
    CHECK(refused.refusal.code == bus::ErrorCode::conflict);
    CHECK_FALSE(follower.registry->source(bus::SourceId{2}));

    // The first one goes; the second command was still decided when it was read.
    follower.decide(fact_of("c3", schemas::SourceDeleted{bus::SourceId{1}}, {}));
    CHECK_FALSE(follower.decide(create("c2", a_source(2, "calls"))).applied);
    CHECK(follower.decide(create("c4", a_source(2, "calls"))).applied);
}

TEST_CASE("registry: a command seen before changes nothing and keeps its outcome") {
    Follower follower;
    const auto first = follower.decide(create("c1", a_source(1, "calls")));
    const auto again = follower.decide(create("c1", a_source(1, "calls")));
    CHECK(again.applied);
    CHECK(again.offset == first.offset);
    CHECK(follower.registry->source_by_slug("calls")->version == 1);
}

TEST_CASE("registry: an update applies only to the version it was made for") {
    Follower follower;
    follower.decide(create("c1", a_source(1, "calls")));
    const auto update = [](std::string command, std::uint64_t version, std::string slug) {
        schemas::Source source = a_source(1, std::move(slug));
        return fact_of(std::move(command), schemas::SourceUpdated{source},
                       {.versions = {{bus::to_string(source.id), version}},
                        .free = schemas::unique_keys(source)});
    };
    CHECK(follower.decide(update("c2", 1, "voice")).version == 2);
    CHECK_FALSE(follower.decide(update("c3", 1, "late")).applied);
    CHECK(follower.registry->source_by_slug("voice"));
    CHECK_FALSE(follower.registry->source_by_slug("calls"));
    CHECK_FALSE(follower.registry->source_by_slug("late"));
}

TEST_CASE("registry: what sources have in common is kept once, a change touches one of them") {
    Follower follower;
    for (const std::uint64_t id : {1u, 2u, 3u}) {
        schemas::Source source = a_source(id, fmt::format("calls-{}", id));
        source.settings.own().country = id == 3 ? "DE" : "IN";
        source.dedup_paths.own() = {"id"};
        CHECK(follower.decide(create(fmt::format("c{}", id), source)).applied);
    }
    const auto source = [&](std::uint64_t id) {
        return follower.registry->source(bus::SourceId{id});
    };
    CHECK(&*source(1)->settings == &*source(2)->settings);
    CHECK(&*source(1)->verification == &*source(3)->verification);
    CHECK(&*source(1)->dedup_paths == &*source(3)->dedup_paths);
    CHECK(source(3)->settings->country == "DE");

    const auto before = source(1);
    schemas::Source changed = *source(1);
    changed.settings.own().country = "FR";
    changed.verification.own().kind = "basic";
    follower.decide(fact_of("c4", schemas::SourceUpdated{changed}, {}));
    CHECK(source(1)->settings->country == "FR");
    CHECK(source(1)->verification->kind == "basic");
    CHECK(before->settings->country == "IN");
    CHECK(source(2)->settings->country == "IN");
    CHECK(source(2)->verification->kind == "none");
}

TEST_CASE("registry: values that no source holds any more are forgotten") {
    struct Length {
        std::size_t operator()(const std::string& text) const { return text.size(); }
    };
    schemas::InternedValues<std::string, Length> values;
    const schemas::Interned<std::string> held = values.kept(std::string("held"));
    for (int i = 0; i < 10'000; ++i) (void)values.kept(std::to_string(i));
    CHECK(values.size() < 2'000);
    CHECK(&*values.kept(std::string("held")) == &*held);
}

TEST_CASE("registry: every stamp that a source has had is known, oldest first") {
    Follower follower;
    const auto known = [&] { return follower.registry->stamps(bus::SourceId{1}); };
    using Stamps = std::vector<std::string>;
    schemas::Source source = a_source(1, "calls");
    follower.decide(create("c1", source));
    CHECK(known().empty());
    int command = 2;
    const auto stamped = [&](std::string stamp) {
        source.stamp = std::move(stamp);
        follower.decide(fact_of(fmt::format("c{}", command++), schemas::SourceUpdated{source}, {}));
        return known();
    };
    CHECK(stamped("a") == Stamps{"a"});
    CHECK(stamped("") == Stamps{"a"});
    CHECK(stamped("b") == Stamps{"a", "b"});
    CHECK(stamped("a") == Stamps{"a", "b"});
    follower.decide(fact_of("gone", schemas::SourceDeleted{bus::SourceId{1}}, {}));
    CHECK(known() == Stamps{"a", "b"});
}

TEST_CASE("registry: of a mapping's versions the old ones are not kept compiled, and still map") {
    constexpr std::size_t room_for_the_newest = 1;
    Follower follower(room_for_the_newest);
    const auto put = [&](const std::string& text) {
        follower.decide(fact_of(text, schemas::MappingChanged{"mine", text}, {}));
        const auto binding = bound_as(text);
        REQUIRE(follower.apply(schemas::encode(fact_of("", binding, {}))));
        return binding.stamp;
    };
    const std::string old = put(mapping_text("a.old"));
    const std::weak_ptr bound = follower.registry->bound_mapping(old);
    const std::weak_ptr compiled =
        follower.registry->compiled(*follower.registry->named_mapping(acme, "mine"));
    CHECK_FALSE(bound.expired());
    CHECK_FALSE(compiled.expired());
    const std::string young = put(mapping_text("a.young"));
    CHECK(bound.expired());
    CHECK(compiled.expired());
    for (int again = 0; again < 2; ++again) {
        CHECK(types_of(*follower.registry->bound_mapping(old)) ==
              std::vector<std::string>{"a.old"});
        CHECK(types_of(*follower.registry->bound_mapping(young)) ==
              std::vector<std::string>{"a.young"});
    }
}

TEST_CASE("registry: a compiled mapping is made once for all who hold it or ask soon") {
    Follower follower;
    const auto binding = bound_as(mapping_text("a.b"));
    CHECK_FALSE(follower.registry->has_mapping(binding.stamp));
    CHECK_FALSE(follower.registry->bound_mapping(binding.stamp));
    REQUIRE(follower.apply(schemas::encode(fact_of("", binding, {}))));
    CHECK(follower.registry->has_mapping(binding.stamp));
    CHECK(follower.registry->bound_mapping(binding.stamp) ==
          follower.registry->bound_mapping(binding.stamp));
    follower.decide(fact_of("c1", schemas::MappingChanged{"mine", binding.text}, {}));
    CHECK(follower.registry->compiled(*follower.registry->named_mapping(acme, "mine")).get() ==
          &follower.registry->bound_mapping(binding.stamp)->mapping());
}

TEST_CASE("registry: a text is kept once, however often it is named and bound") {
    Follower follower;
    const std::string text = mapping_text("a.b");
    follower.decide(fact_of("c1", schemas::MappingChanged{"mine", text}, {}));
    follower.decide(fact_of("c2", schemas::MappingChanged{"other", text}, {}));
    CHECK(&*follower.registry->named_mapping(acme, "mine")->text ==
          &*follower.registry->named_mapping(acme, "other")->text);
}

TEST_CASE(
    "registry: a text that does not compile here is the newest version, and cannot be bound") {
    Follower follower;
    CHECK(follower.decide(fact_of("c1", schemas::MappingChanged{"mine", "nonsense"}, {})).applied);
    const auto named = follower.registry->named_mapping(acme, "mine");
    REQUIRE(named);
    CHECK(named->version == 1);
    CHECK(*named->text == "nonsense");
    CHECK_FALSE(follower.registry->compiled(*named));
}

TEST_CASE("registry: a bound mapping that does not compile, or has another stamp, stops it") {
    Follower follower;
    auto binding = bound_as(mapping_text("a.b"));
    const std::string stamp = std::exchange(binding.stamp, std::string(32, '0'));
    CHECK(follower.apply(schemas::encode(fact_of("", binding, {}))).error().code ==
          bus::ErrorCode::corrupt);
    binding.text = "nonsense";
    CHECK(follower.apply(schemas::encode(fact_of("", binding, {}))).error().code ==
          bus::ErrorCode::corrupt);
    CHECK(follower.registry->applied() == 0);
    CHECK_FALSE(follower.registry->has_mapping(stamp));
    CHECK_FALSE(follower.registry->has_mapping(binding.stamp));
}

TEST_CASE("mappings: what one takes in memory is known well enough to be bounded") {
    std::string text = "mapping: mine\nchannel: web\nfields:\n  text: [";
    for (int i = 0; i < 10'000; ++i) text += "a.b.c,";
    text.back() = ']';
    text += "\nemit:\n  - {type: a.b}\n";
    const auto mapping = schemas::Mapping::compile(text, "mine", schemas::MappingSize::any);
    REQUIRE(mapping);
    const std::size_t bytes = (*mapping)->memory_bytes();
    CHECK(bytes > 3'000'000);
    CHECK(bytes < 12'000'000);
    const auto bound = schemas::BoundMapping::bind(*mapping, {});
    REQUIRE(bound);
    CHECK((*bound)->memory_bytes() > bytes + 3'000'000);
}

TEST_CASE("registry: versions go on counting over deletion, for sources and for tenants") {
    Follower follower;
    CHECK(follower.decide(new_tenant("c1")).version == 1);
    CHECK(follower.decide(fact_of("c2", schemas::SourceDeleted{bus::SourceId{1}}, {})).version ==
          2);
    const auto brought_back = [](std::uint64_t version) {
        return fact_of("c3-" + std::to_string(version),
                       schemas::SourceCreated{a_source(1, "again")},
                       {.versions = {{bus::to_string(bus::SourceId{1}), version}}, .free = {}});
    };
    CHECK_FALSE(follower.decide(brought_back(0)).applied);
    CHECK(follower.decide(brought_back(2)).version == 3);
    CHECK(follower.registry->source_by_slug("again")->version == 3);
    CHECK_FALSE(follower.registry->source_by_slug("events"));
    schemas::Tenant renamed = *follower.registry->tenant(acme);
    renamed.code = "acme-2";
    CHECK(follower.decide(fact_of("c4", schemas::TenantUpdated{renamed}, {})).version == 2);
}

TEST_CASE("outcomes: come back as they were, whatever the hash of the request looks like") {
    schemas::OutcomeMemory memory;
    for (const std::string hash : {"", "hash", "00ff", "00FF", "0"}) {
        memory.add("of " + hash, noon,
                   {.applied = false,
                    .refusal = {bus::ErrorCode::conflict, "taken"},
                    .version = 3,
                    .object_id = "src_1",
                    .request_hash = hash,
                    .offset = 9});
        const auto found = memory.find("of " + hash);
        REQUIRE(found);
        CHECK(found->request_hash == hash);
        CHECK_FALSE(found->applied);
        CHECK(found->refusal.message == "taken");
        CHECK(found->object_id == "src_1");
        CHECK(found->version == 3);
        CHECK(found->offset == 9);
    }
}

TEST_CASE("registry: a tenant has its data key whichever topic is read first") {
    for (const bool key_first : {true, false}) {
        Follower follower;
        if (key_first) REQUIRE(follower.apply(data_key("dk_1", "sealed")));
        CHECK(follower.decide(new_tenant("c1")).applied);
        if (!key_first) REQUIRE(follower.apply(data_key("dk_1", "sealed")));
        CHECK(follower.registry->tenant(acme)->wrapped_data_key == "sealed");
        CHECK(follower.registry->tenant_by_code("acme")->id == acme);
        CHECK(follower.registry->api_key_by_hash("h1")->tenant == acme);
        CHECK(follower.registry->sources(acme).size() == 1);
        REQUIRE(follower.apply(data_key("dk_1", "")));  // shredded
        CHECK(follower.registry->tenant(acme)->wrapped_data_key.empty());
    }
}

TEST_CASE("registry: a client's sources of one kind, oldest first, without the deleted") {
    Follower follower;
    const auto add = [&](std::uint64_t id, const std::string& kind, std::int64_t created_s,
                         bus::TenantId tenant = acme) {
        schemas::Source source = a_source(id, "s" + std::to_string(id));
        source.kind = kind;
        source.tenant = tenant;
        source.created_at = noon + bus::seconds{created_s};
        follower.decide(create("c" + std::to_string(id), source));
    };
    const auto ids = [&](const std::string& kind) {
        std::string out;
        for (const auto& source : follower.registry->sources_of_kind(acme, kind))
            out += bus::to_string(source->id).back();
        return out;
    };
    add(1, "ivr", 9);
    add(2, "ivr", 5);
    add(3, "mail", 1);
    add(4, "ivr", 0, bus::TenantId{8});
    add(5, "ivr", 7);
    CHECK(ids("ivr") == "251");
    CHECK(ids("mail") == "3");
    CHECK(ids("iv").empty());
    CHECK(follower.registry->sources(acme).size() == 4);
    follower.decide(fact_of("d5", schemas::SourceDeleted{bus::SourceId{5}}, {}));
    CHECK(ids("ivr") == "21");
}

TEST_CASE("registry: a revoked key stays known as revoked") {
    Follower follower;
    follower.decide(new_tenant("c1"));
    CHECK(follower.decide(fact_of("c2", schemas::ApiKeyRevoked{"key_1"}, {})).applied);
    CHECK(follower.registry->api_key_by_hash("h1")->revoked);
    CHECK(follower.registry->api_keys(acme).at(0)->revoked);
}

TEST_CASE("registry: what it cannot read stops it, what it does not know is passed over") {
    const auto apply_text = [](std::string_view type, std::string_view value) {
        Follower follower;
        bus::NewRecord record;
        record.topic = bus::Topic::control;
        bus::Envelope envelope;
        envelope.tenant = acme;
        envelope.type = type;
        envelope.time = envelope.ingest_time = noon;
        bus::write_envelope(envelope, record.headers);
        record.value = value;
        auto applied = follower.apply(record);
        CHECK(follower.registry->applied() == (applied ? 1u : 0u));
        return applied ? std::string("applied") : std::string(name(applied.error().code));
    };
    CHECK(apply_text("ingest.source.created", "{") == "corrupt");
    CHECK(apply_text("ingest.source.created", R"({"v":1,"source":{"id":"x"}})") == "corrupt");
    CHECK(apply_text("ingest.source.created", R"({"v":2})") == "corrupt");
    CHECK(apply_text("platform.mapping.bound", R"({"v":1,"bound":{"stamp":"1","text":"x: ["}})") ==
          "corrupt");
    CHECK(apply_text("platform.something.new", R"({"v":1})") == "applied");
}

TEST_CASE("registry: waiting for an offset ends when it is applied, or in time") {
    Follower follower;
    CHECK_FALSE(follower.registry->wait_applied(1, bus::milliseconds{1}));
    follower.decide(create("c1", a_source(1, "calls")));
    CHECK(follower.registry->wait_applied(1, bus::milliseconds{0}));
}

TEST_CASE("outcomes: the old ones go when there are many, the young ones stay") {
    schemas::OutcomeMemory memory;
    const auto kept = schemas::OutcomeMemory::kept_min;
    for (std::size_t i = 0; i < kept + 10; ++i)
        memory.add(std::to_string(i), noon + bus::seconds{static_cast<std::int64_t>(i)}, {});
    CHECK(memory.find("0"));  // many, but none is old
    memory.add("late", noon + bus::seconds{20 * 24 * 3600}, {});
    CHECK_FALSE(memory.find("0"));
    CHECK(memory.find(std::to_string(kept)));
}

TEST_CASE("providers: every built-in file compiles") {
    const auto kinds = schemas::built_in_providers();
    REQUIRE_MESSAGE(kinds.has_value(), (kinds ? "" : kinds.error().message));
    for (const auto& kind : *kinds) {
        CAPTURE(kind.kind);
        CHECK(kind.mapping_required == (kind.mapping == nullptr));
        CHECK(kind.url_path.starts_with("/"));
    }
}

TEST_CASE("providers: a wrong file is refused with line and column") {
    const auto check = [](std::string_view text, std::string_view start) {
        const auto kind = schemas::parse_provider_file(text, "x.yaml");
        REQUIRE_FALSE(kind);
        CHECK_MESSAGE(kind.error().message.starts_with(start), kind.error().message);
    };
    check("source: x\nchannel: web\nurl: /x\ncolour: red\n", "x.yaml:4:1: 'colour'");
    check("source: x\nchannel: nowhere\nurl: /x\n", "x.yaml:2:10: ");
    check("source: x\nchannel: web\nurl: /x\n", "x.yaml:1:1: the mapping is missing");
    check("source: x\nchannel: web\nurl: /x\nverification: {kind: magic}\n", "x.yaml:4:22: ");
    check("source: x\nchannel: web\nurl: /x\n---\nmapping: x\nversion: 1\nchannel: web\nodd: 1\n",
          "x.yaml:8:1: ");
}

TEST_CASE("registry: a stored mapping that would be too large today is bound as it was") {
    std::string text = "mapping: m\nchannel: web\nrules:\n";
    for (int i = 0; i < 60; ++i) text += "- {copy: d, emit: {type: a.b}}\n";
    REQUIRE_FALSE(schemas::Mapping::compile(text, "m"));
    const auto stored = schemas::Mapping::compile(text, "m", schemas::MappingSize::any);
    REQUIRE(stored);
    const std::string stamp = (*schemas::BoundMapping::bind(*stored, {}))->stamp();
    Follower follower;
    const auto bound = fact_of(
        "", schemas::MappingBound{.stamp = stamp, .file = "m", .text = text, .settings = {}}, {});
    CHECK(follower.apply(schemas::encode(bound)));
    CHECK(follower.registry->bound_mapping(stamp));
}
