// A value that many objects have in common: kept once, however many hold it. It reads like the
// value itself (`source.settings->country`), costs a pointer, and copying it copies nothing.
//
// Threads: as a std::shared_ptr to something that never changes.
#pragma once

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

namespace schemas {

template <class T>
class Interned {
public:
    Interned() : value_(fresh()) {}
    Interned(T value) : value_(std::make_shared<T>(std::move(value))) {}  // NOLINT: reads like a T
    Interned(const Interned&) = default;  // also instead of moving: there is always a value
    Interned& operator=(const Interned&) = default;
    ~Interned() = default;

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }
    operator const T&() const { return *value_; }  // NOLINT: reads like a T

    // To be changed: a copy that is this one's alone.
    T& own() {
        value_ = std::make_shared<T>(*value_);
        return *value_;
    }

    bool operator==(const Interned& other) const {
        return value_ == other.value_ || *value_ == *other.value_;
    }
    // True when no other object holds it.
    bool is_alone() const { return value_.use_count() == 1; }

private:
    static const std::shared_ptr<T>& fresh() {
        static const auto value = std::make_shared<T>();
        return value;
    }

    std::shared_ptr<T> value_;  // never written after it was shared: own() takes another
};

// The values that are held now, each once. `Hash` takes a const T&. One thread.
template <class T, class Hash>
class InternedValues {
public:
    // The one that equals it.
    Interned<T> kept(const Interned<T>& value) {
        if (values_.size() >= look_through_at_) forget_unused();
        return *values_.insert(value).first;
    }
    std::size_t size() const { return values_.size(); }

private:
    // Each time that there are twice as many, so that a value costs the same however many there
    // are.
    void forget_unused() {
        std::erase_if(values_, [](const Interned<T>& value) { return value.is_alone(); });
        look_through_at_ = 2 * std::max(values_.size(), look_through_min);
    }

    struct OfValue {
        std::size_t operator()(const Interned<T>& value) const { return Hash{}(*value); }
    };
    static constexpr std::size_t look_through_min = 512;

    std::unordered_set<Interned<T>, OfValue> values_;
    std::size_t look_through_at_ = look_through_min;
};

}  // namespace schemas
