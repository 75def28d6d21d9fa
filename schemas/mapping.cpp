#include "schemas/mapping.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/lint.hpp"
#include "schemas/mapping/binder.hpp"
#include "schemas/mapping/compiler.hpp"
#include "schemas/mapping/emitted_types.hpp"
#include "schemas/mapping/program_bytes.hpp"
#include "schemas/mapping/run.hpp"

namespace schemas {

namespace {

// Part of every stamp: raised when the engine gives other events for the same file. Not for what a
// record may cost at most (mapping/budget.hpp): no real record comes near.
constexpr std::string_view engine_version = "mapping 1";

class CompiledMapping final : public Mapping {
public:
    CompiledMapping(mapping::Program program, std::string_view text)
        : program_(std::move(program)), text_(text) {}

    std::string_view name() const override { return program_.name; }
    const std::string& text() const override { return text_; }
    bus::Topic channel() const override { return program_.channel; }
    std::size_t memory_bytes() const override {
        return mapping::bytes_of(program_) + text_.capacity();
    }
    const mapping::Program& program() const { return program_; }

private:
    mapping::Program program_;
    std::string text_;
};

class ReadyMapping final : public BoundMapping {
public:
    ReadyMapping(std::shared_ptr<const Mapping> source, SourceSettings settings,
                 mapping::Program program, std::string stamp)
        : source_(std::move(source)),
          settings_(std::move(settings)),
          program_(std::move(program)),
          stamp_(std::move(stamp)) {}

    const std::string& stamp() const override { return stamp_; }
    const Mapping& mapping() const override { return *source_; }
    const SourceSettings& settings() const override { return settings_; }
    std::size_t memory_bytes() const override {
        return mapping::bytes_of(program_) + source_->memory_bytes();
    }

    bool may_emit(std::string_view type_prefix) const override {
        return mapping::may_emit(program_, type_prefix);
    }

    const Mapped& map(const bus::RecordView& record, const bus::Envelope& envelope,
                      std::string_view source_slug, Scratch& scratch) const override {
        mapping::run(program_, record, envelope, source_slug, scratch.state());
        return scratch.state().mapped;
    }

private:
    std::shared_ptr<const Mapping> source_;  // shared by all sources of the kind
    SourceSettings settings_;
    mapping::Program program_;
    std::string stamp_;
};

}  // namespace

bus::Result<std::shared_ptr<const Mapping>> Mapping::compile(std::string_view yaml,
                                                             std::string_view file,
                                                             MappingSize size) {
    auto program = mapping::compile(yaml, file, size);
    if (!program) return program.error();
    return std::shared_ptr<const Mapping>(
        std::make_shared<CompiledMapping>(std::move(*program), yaml));
}

bus::Result<std::shared_ptr<const BoundMapping>> BoundMapping::bind(
    std::shared_ptr<const Mapping> mapping, const SourceSettings& settings) {
    const auto* compiled = dynamic_cast<const CompiledMapping*>(mapping.get());
    BUS_ASSERT(compiled, "a mapping comes from compile()");
    mapping::Program program = compiled->program();
    auto used = mapping::bind(program, settings);
    if (!used) return used.error();
    const bus::EventId hash = bus::crypto::hash_id({engine_version, mapping->text(), used->text});
    return std::shared_ptr<const BoundMapping>(
        std::make_shared<ReadyMapping>(std::move(mapping), std::move(used->settings),
                                       std::move(program), bus::to_hex(hash.view())));
}

Scratch::Scratch(BodyReader mail_reader) : state_(std::make_unique<State>(mail_reader)) {}
Scratch::~Scratch() = default;

bus::Result<bus::Done> lint(std::string_view text, std::string_view file) {
    auto compiled = Mapping::compile(text, file);
    if (!compiled) return compiled.error();
    return bus::Done{};
}

}  // namespace schemas
